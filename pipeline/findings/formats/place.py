"""Where a finding is, in words for a table or a CSV cell."""

from __future__ import annotations

from pipeline.records import FileLocation, ImageLocation, Location, PackageLocation, UrlLocation


def describe(location: Location) -> str:
    """Return the place in one line: `path:line`, `package@version (manifest)`, `image: package`, `GET url`."""
    match location:
        case FileLocation(path=path, start_line=line, inside=inside):
            return (f"{inside}: " if inside else "") + (path if line is None else f"{path}:{line}")
        case PackageLocation(name=name, version=version, path=path):
            return _versioned(name, version) + (f" ({path})" if path else "")
        case ImageLocation(image=image, package=package, version=version, path=path):
            inside = _versioned(package, version) if package else path
            return f"{image}: {inside}" if inside else image
        case UrlLocation(url=url, method=method, parameter=parameter):
            return " ".join(part for part in (method, url, f"[{parameter}]" if parameter else None) if part)


def _versioned(name: str, version: str | None) -> str:
    return f"{name}@{version}" if version else name
