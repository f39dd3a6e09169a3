"""Zips nobody should make: built here, byte by byte where zipfile refuses to."""

import io
import struct
import zipfile
import zlib
from pathlib import Path


def zip_bytes(entries: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an ordinary zip."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.getvalue()


def raw_zip(
    entries: list[tuple[bytes, bytes]], *, mode: int = 0, flags: int = 0x800, crc_off: int = 0, method: int = 8
) -> bytes:
    """Return a zip of exactly these entries, in order: same names twice, odd modes, flags and CRCs."""
    body, directory = b"", b""
    for name, content in entries:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = packer.compress(content) + packer.flush() if method == 8 else content
        crc = (zlib.crc32(content) + crc_off) & 0xFFFFFFFF
        fields = struct.pack("<HHHHHLLLHH", 20, flags, method, 0, 0x21, crc, len(packed), len(content), len(name), 0)
        directory += b"PK\x01\x02" + struct.pack("<H", 0x0314) + fields
        directory += struct.pack("<HHHLL", 0, 0, 0, mode << 16, len(body)) + name
        body += b"PK\x03\x04" + fields + name + packed
    end = struct.pack("<HHHHLLH", 0, 0, len(entries), len(entries), len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


class OneWay(io.RawIOBase):
    """A stream that can't seek, as an upload is: zipfile then writes sizes after the data (flag 0x8)."""

    def __init__(self) -> None:
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.content += bytes(data)
        return len(data)


def streamed_zip(entries: dict[str, bytes]) -> bytes:
    """Return a zip as GitHub's upload makes it."""
    stream = OneWay()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.content


def put(folder: Path, name: str, content: bytes) -> Path:
    """Write a file, with its folders."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
