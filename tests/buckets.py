"""A real S3 server for tests: SeaweedFS on loopback, its files in a folder of the test."""

import json
import socket
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from waiting import wait_for

from qa.errors import StoreUnreachable
from qa.index.objects import Objects, open_objects

PROGRAM = Path(sysconfig.get_path("scripts")) / "weed"
PARTS = ("master", "volume", "filer", "s3")  # each with two ports, that none is a default


@contextmanager
def s3_server(folder: Path) -> Iterator[dict[str, str]]:
    """The environment by which clients find a running S3 server; it is ended by its process."""
    identity = {
        "name": "qa",
        "credentials": [{"accessKey": "reader", "secretKey": "secret"}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    names = [f"{part}.port{kind}" for part in PARTS for kind in ("", ".grpc")]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    command = [
        *(str(PROGRAM), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}"),
        *("-filer", "-s3", f"-s3.config={folder / 's3.json'}", "-s3.iam=false"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.max=20"),
        *("-master.volumeSizeLimitMB=64", *(f"-{name}={port}" for name, port in ports.items())),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env={"HOME": str(folder)}
        )
    try:
        wait_for(lambda: answers(ports["s3.port"]))
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports['s3.port']}",
            "AWS_ACCESS_KEY_ID": "reader",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }
    finally:
        process.kill()  # asked to end, it takes fifteen seconds; what it holds is the test's
        process.wait()


def bucket_objects(place: str) -> Objects:
    """The objects of a bucket, which the first write makes."""
    objects = open_objects(place)
    wait_for(lambda: is_ready(objects))
    return objects


def is_ready(objects: Objects) -> bool:
    """Whether the bucket takes an object: its server answers before its volumes are there."""
    try:
        objects.remove([objects.put(b"ready?")])
    except StoreUnreachable:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens at, different ones."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def answers(port: int) -> bool:
    """Whether somebody listens at a port of loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
