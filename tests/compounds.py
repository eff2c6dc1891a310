"""Compound files (OLE) for tests, as small as they can be."""

import struct
from collections.abc import Mapping

SECTOR = 512
LEAST = 4096  # bytes; what is smaller would stand in a stream of small streams
FREE, END, FAT_SECTOR, NONE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A file with these streams, filled up to `LEAST`; slashes in their names part storages."""
    streams = {path: data.ljust(LEAST, b"\0") for path, data in streams.items()}
    names: list[str] = [""]
    for path in streams:
        steps = path.split("/")
        names += ["/".join(steps[: n + 1]) for n in range(len(steps))]
    names = list(dict.fromkeys(names))
    fat, body, starts = list[int](), b"", dict[str, int]()
    for path, data in streams.items():
        count = max(1, -(-len(data) // SECTOR))
        starts[path] = len(fat)
        fat += [*range(len(fat) + 1, len(fat) + count), END]
        body += data.ljust(count * SECTOR, b"\0")
    entries = [_entry(name, names, streams, starts) for name in names]
    directory = len(fat)
    count = -(-len(entries) // 4)
    fat += [*range(directory + 1, directory + count), END]
    body += b"".join(entries).ljust(count * SECTOR, b"\0")
    table = len(fat)
    fat.append(FAT_SECTOR)
    assert len(fat) <= SECTOR // 4
    body += struct.pack(f"<{SECTOR // 4}I", *fat, *[FREE] * (SECTOR // 4 - len(fat)))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<5H6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<9I", 0, 1, directory, 0, LEAST, END, 0, END, 0)
    return head + struct.pack("<109I", table, *[FREE] * 108) + body


def _entry(
    name: str, names: list[str], streams: Mapping[str, bytes], starts: Mapping[str, int]
) -> bytes:
    """The directory entry of a storage or a stream; siblings are a chain to the right."""
    parent = name.rpartition("/")[0]
    siblings = [other for other in names[1:] if other.rpartition("/")[0] == parent]
    later = siblings[siblings.index(name) + 1 :] if name else []
    kids = [other for other in names[1:] if other.rpartition("/")[0] == name]
    title = (name.rpartition("/")[2] or "Root Entry").encode("utf-16-le") + b"\0\0"
    kind = 5 if not name else 2 if name in streams else 1
    data = streams.get(name, b"")
    links = (
        NONE,
        names.index(later[0]) if later else NONE,
        names.index(kids[0]) if kids and kind != 2 else NONE,
    )
    return (
        title.ljust(64, b"\0")
        + struct.pack("<HBB3I", len(title), kind, 1, *links)
        + bytes(36)
        + struct.pack("<IQ", starts.get(name, END), len(data))
    )
