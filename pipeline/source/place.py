"""Where in the files a finding points: lines of a file, an entry of a manifest, the handler of a URL."""

from __future__ import annotations

from typing import assert_never

from pipeline.records import FileLocation, Finding, ImageLocation, PackageLocation, Record, UrlLocation


class Place(Record):
    """A place in a file. Without lines it is the whole file, or the entry of `package` in it.

    `confidence` is below 1 when the place was inferred.
    """

    path: str
    start_line: int | None = None
    end_line: int | None = None
    start_column: int | None = None
    end_column: int | None = None
    package: str | None = None
    confidence: float = 1.0


def place_of(finding: Finding) -> Place | str:
    """Return the file place a finding names, or the reason why it names none."""
    location = finding.location
    match location:
        case FileLocation(inside=str()):
            return "inside_an_image"
        case FileLocation():
            return Place(
                path=location.path,
                start_line=location.start_line,
                end_line=location.end_line,
                start_column=location.start_column,
                end_column=location.end_column,
            )
        case PackageLocation():
            if location.path is None:
                return "package_without_manifest"
            return Place(path=location.path, start_line=location.line, end_line=location.line, package=location.name)
        case ImageLocation():
            return "inside_an_image"
        case UrlLocation():
            return "url"
        case _:
            assert_never(location)
