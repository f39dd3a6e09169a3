"""Token and code travel on this machine, through ssh or through HTTPS, and in no other way."""

from __future__ import annotations

import pytest

from pipeline.remote.errors import RemoteRefused
from pipeline.remote.ray.address import Address, checked


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://127.0.0.1:8265", Address("loopback", "http://127.0.0.1:8265")),
        ("http://[::1]:8265/", Address("loopback", "http://[::1]:8265")),
        ("http://localhost:8265", Address("loopback", "http://localhost:8265")),
        ("https://ray.example.org", Address("https", "https://ray.example.org")),
        ("ssh://gpu", Address("ssh", "", "gpu", 8265)),
        ("ssh://ubuntu@203.0.113.5/8266", Address("ssh", "", "ubuntu@203.0.113.5", 8266)),
    ],
)
def test_ways_that_cannot_be_read_on_are_taken(text: str, address: Address) -> None:
    assert checked(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "http://10.0.0.7:8265",
        "http://ray.example.org:8265",
        "http://127.0.0.1.example.org:8265",
        "http://0.0.0.0:8265",
        "ray://127.0.0.1:10001",
        "https://user:secret@ray.example.org",
        "https://user@ray.example.org",
        "https://ray.example.org/?token=x",
        "ssh://-oProxyCommand=sh",
        "ssh://gpu:22",
        "ssh://gpu/sh",
        "127.0.0.1:8265",
        "http://127.0.0.1:port",
        "",
    ],
)
def test_every_other_way_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(RemoteRefused) as caught:
        checked(text)
    assert "remote.address" in caught.value.hint or "ssh" in caught.value.hint
    assert "secret" not in caught.value.hint
