"""Whether processes listen anywhere but on the loopback: asked of the kernel (Linux), not of their flags."""

from __future__ import annotations

import contextlib
import ipaddress
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.remote.ray.address import is_loopback

_LISTENING = "0A"


def exposed(processes: Iterable[int]) -> list[str]:
    """Return `address:port` of every TCP socket that one of `processes` has open to other machines."""
    owned = {inode for pid in processes for inode in _sockets(pid)}
    return sorted(f"{host}:{port}" for inode, host, port in _listening() if inode in owned and not is_loopback(host))


def _sockets(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for entry in (Path("/proc") / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                target = entry.readlink().name
                if target.startswith("socket:["):
                    yield target[8:-1]


def _listening() -> Iterator[tuple[str, str, int]]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == _LISTENING:
                    address, _, port = words[1].partition(":")
                    yield words[9], _readable(address), int(port, 16)


def _readable(address: str) -> str:
    packed = b"".join(bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8))
    found = ipaddress.ip_address(packed)
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def commands_of(session: int) -> list[str]:
    """Return the command lines of a session's processes."""
    command = ["ps", "-A", "-ww", "-o", "sess=,args="]
    said = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout
    rows = [line.split(maxsplit=1) for line in said.splitlines()]
    return [row[1] for row in rows if len(row) == 2 and row[0] == str(session)]


def processes_of(session: int) -> list[int]:
    """Return the processes of a session that aren't dead, by asking `ps`, which macOS and Linux both have."""
    said = subprocess.run(["ps", "-A", "-o", "pid=,sess=,stat="], capture_output=True, text=True, check=False).stdout
    rows = [line.split() for line in said.splitlines()]
    return [int(row[0]) for row in rows if len(row) == 3 and row[1] == str(session) and not row[2].startswith("Z")]
