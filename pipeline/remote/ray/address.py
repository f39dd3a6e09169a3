"""Where a cluster may be: on this machine, behind an ssh tunnel, or behind HTTPS. A token doesn't encrypt."""

from __future__ import annotations

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from pipeline.remote.errors import RemoteRefused
from pipeline.remote.ssh import checked_host

DASHBOARD_PORT = 8265


class Address(msgspec.Struct, frozen=True):
    """A checked address: `url` for requests; for `ssh` the host as ssh takes it and the dashboard's port there."""

    kind: Literal["loopback", "https", "ssh"]
    url: str
    host: str = ""
    port: int = DASHBOARD_PORT


def checked(text: str) -> Address:
    """Return the address; raise RemoteRefused for one that would carry token and data in clear.

    Accepted are `http://127.0.0.1:8265`, `https://HOST`, and `ssh://[USER@]HOST[/PORT]`, where PORT is the
    dashboard's on that host (8265).
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise RemoteRefused("remote.address isn't an address.", _HINT) from error
    if parts.password is not None:
        raise RemoteRefused("remote.address carries a password.", _HINT)
    if parts.query or parts.fragment or not parts.hostname:
        raise RemoteRefused(f"{text!r} isn't the address of a Ray cluster.", _HINT)
    if parts.scheme == "ssh":
        return _ssh(text, parts.netloc, port, parts.path.strip("/"))
    if parts.username is not None:
        raise RemoteRefused("remote.address carries a user name.", _HINT)
    if parts.scheme == "https":
        return Address("https", text.rstrip("/"))
    if parts.scheme == "http" and is_loopback(parts.hostname):
        return Address("loopback", text.rstrip("/"))
    raise RemoteRefused(f"{text} is reached unencrypted: token and code could be read on the way.", _HINT)


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by address or by the one name that always is."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _ssh(text: str, host: str, port: int | None, path: str) -> Address:
    """Return an address behind ssh; the host as it is written, for ssh's configuration knows its case."""
    if port is not None or (path and not path.isdigit()):
        raise RemoteRefused(f"{text!r} is no ssh address.", "Write ssh://HOST/8265; ports of ssh go to ~/.ssh/config.")
    return Address("ssh", "", checked_host(host), int(path) if path else DASHBOARD_PORT)


_HINT = "Use http://127.0.0.1:8265, ssh://HOST (a tunnel is opened for you) or https://HOST in remote.address."
