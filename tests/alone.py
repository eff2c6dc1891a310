"""Runs a command in a network of its own, in which there is loopback alone (Linux).

    unshare --map-root-user --net python tests/alone.py COMMAND...

A Milvus server listens on every interface and cannot be told otherwise; here there is only one.
"""

import fcntl
import os
import socket
import struct
import sys

GET_FLAGS, SET_FLAGS, UP = 0x8913, 0x8914, 0x1  # of an interface, as in <net/if.h>
NAMED = "16sh"  # the head of `struct ifreq`


def is_alone() -> bool:
    """Whether this process sees loopback alone."""
    return [name for _, name in socket.if_nameindex()] == ["lo"]


def bring_up_loopback() -> None:
    """Makes loopback usable, which is down in a new network."""
    with socket.socket() as anyone:
        asked = struct.pack(NAMED, b"lo", 0)
        (flags,) = struct.unpack(NAMED, fcntl.ioctl(anyone, GET_FLAGS, asked))[1:]
        fcntl.ioctl(anyone, SET_FLAGS, struct.pack(NAMED, b"lo", flags | UP))


if __name__ == "__main__":
    if not is_alone():
        sys.exit("This is not a network of its own: run it by unshare.")
    bring_up_loopback()
    os.execvp(sys.argv[1], sys.argv[1:])
