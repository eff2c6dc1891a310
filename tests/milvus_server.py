"""A real Milvus server for tests: the package `milvus` (2.3.5), on loopback, ended by its process id."""

import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from buckets import free_ports
from waiting import wait_for

LOOPBACK = "127.0.0.1"
STARTED = 180  # seconds, with others at work on the same cores
PARTS = (
    "rootCoord", "proxy", "queryCoord", "queryNode", "indexNode", "dataCoord", "dataNode",
)  # fmt: skip
PORTS = (
    "etcd_port", "root_coord_port", "proxy_port", "proxy_internal_port", "query_coord_port",
    "query_node_port", "index_coord_port", "index_node_port", "data_coord_port", "data_node_port",
)  # fmt: skip


@dataclass
class MilvusServer:
    """A Milvus server, its files in a folder."""

    folder: Path
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    _ports: dict[str, int] = field(default_factory=dict)
    _metrics: int = 0

    def prepare(self) -> None:
        """Unpacks the server and writes its configuration."""
        import milvus

        *ports, self._metrics, peer = free_ports(len(PORTS) + 2)
        self._ports = dict(zip(PORTS, ports, strict=True))
        self.port = self._ports["proxy_port"]
        config = milvus.MilvusServerConfig()
        config.configs |= {"data_dir": str(self.folder)}
        config.resolve_storage()
        for name, port in self._ports.items():
            config.set(name, port)
        for part in PARTS:
            config.set(f"{part}.ip", LOOPBACK)
        config.write_config()
        file = self.folder / "configs" / "milvus.yaml"
        text = file.read_text()
        (self.folder / "mapped").mkdir(exist_ok=True)
        text = text.replace("queryNode:\n", f"queryNode:\n  mmapDirPath: {self.folder}/mapped\n", 1)
        text = text.replace(
            "etcd:\n", f"etcd:\n  config:\n    path: {self.folder}/configs/etcd.yaml\n", 1
        )
        file.write_text(text)
        etcd = self.folder / "configs" / "etcd.yaml"
        etcd.write_text(
            f"name: default\ndata-dir: {self.folder}/data/etcd.data\n"
            f"listen-client-urls: http://{LOOPBACK}:{self._ports['etcd_port']}\n"
            f"advertise-client-urls: http://{LOOPBACK}:{self._ports['etcd_port']}\n"
            f"listen-peer-urls: http://{LOOPBACK}:{peer}\n"
        )
        unpacked = Path(os.environ.get("QA_MILVUS_FILES", self.folder))
        milvus._initialize_data_files(str(unpacked))
        self._program = unpacked / "bin" / "milvus"

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "DEPLOY_MODE": "STANDALONE",
            "METRICS_PORT": str(self._metrics),
            "MILVUSCONF": str(self.folder / "configs"),
            "LD_LIBRARY_PATH": str(self._program.parent),
        }
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self._program), "run", "standalone"],
                cwd=self.folder, env=environment, stdout=log, stderr=log,
            )  # fmt: skip
        wait_for(self.is_ready, STARTED)

    def is_ready(self) -> bool:
        """Whether it says that it is healthy."""
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self._metrics}/healthz") as answer:
                return b"OK" in answer.read()
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """Ends it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextmanager
def milvus_server(folder: Path) -> Iterator[MilvusServer]:
    """A running server; what it holds is the test's."""
    server = MilvusServer(folder)
    server.prepare()
    try:
        server.start()
        yield server
    finally:
        server.kill()
        for each in ("data", "mapped"):
            shutil.rmtree(folder / each, ignore_errors=True)


if __name__ == "__main__":
    alone = MilvusServer(Path(sys.argv[1]))
    alone.prepare()
    alone.start()
    print(alone.port, alone.process.pid if alone.process else 0, flush=True)
