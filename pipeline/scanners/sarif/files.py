"""Where a SARIF run's files are: base ids resolved, absolute URIs made relative to the repository."""

from __future__ import annotations

from pipeline.scanners.document import ItemRefused
from pipeline.scanners.places import LONGEST_PATH, Place, path_of_uri, place_of_uri
from pipeline.scanners.sarif.schema import ArtifactLocation, Run

MOST_NESTED_BASES = 16
MOST_ROOTS = 64
_WEB = ("http", "https", "ws", "wss")


class Files:
    """Resolves a run's artifact locations into repository paths or web addresses."""

    def __init__(self, run: Run) -> None:
        self._artifacts = run.artifacts or []
        self._bases = run.original_uri_base_ids or {}
        self._texts = {
            (artifact.location.uri or "", artifact.location.uri_base_id or ""): artifact.contents.text
            for artifact in self._artifacts
            if artifact.location and artifact.contents and artifact.contents.text is not None
        }
        self._roots = tuple(self._absolute_folders(run))

    def _absolute_folders(self, run: Run) -> list[str]:
        """Folders the run itself names as roots; one that makes no sense is none."""
        named = list(self._bases.values())
        named += [call.working_directory for call in run.invocations or [] if call.working_directory]
        folders = set()
        for location in named:
            try:
                uri = self._resolved(location)
                folders.add(path_of_uri(uri) if uri[:5].lower() == "file:" else "")
            except ItemRefused:
                continue
        return sorted((folder for folder in folders if folder.strip("/")), key=len)[:MOST_ROOTS]

    def _resolved(self, location: ArtifactLocation) -> str:
        """Join a location with its bases, up to the first that is absolute or not defined."""
        uri, base_id = location.uri or "", location.uri_base_id
        for _ in range(MOST_NESTED_BASES):
            base = self._bases.get(base_id) if base_id else None
            if _is_absolute(uri) or base is None:
                return uri
            if len(uri) > LONGEST_PATH or len(base.uri or "") > LONGEST_PATH:
                break
            uri, base_id = _joined(base.uri or "", uri), base.uri_base_id
        else:
            raise ItemRefused("has bases of URIs that go round in a circle")
        raise ItemRefused("has a path longer than any file's")

    def place(self, location: ArtifactLocation | None) -> Place:
        """Resolve a location into a path below the repository; raises `ItemRefused` when it can't be."""
        found = self._listed(location)
        if found is None or not found.uri:
            raise ItemRefused("names no file")
        if self._below_slash(found):
            return place_of_uri(found.uri, self._roots)
        return place_of_uri(self._resolved(found), self._roots)

    def names(self, location: ArtifactLocation | None) -> bool:
        """Tell whether a location names a file or an address."""
        found = self._listed(location)
        return found is not None and bool(found.uri)

    def _below_slash(self, location: ArtifactLocation) -> bool:
        """Tell whether the base is the file system's root, as Trivy writes: it says nothing."""
        base = self._bases.get(location.uri_base_id or "")
        return base is not None and (base.uri or "").rstrip("/") in ("file:", "")

    def _listed(self, location: ArtifactLocation | None) -> ArtifactLocation | None:
        if location is None or location.uri or location.index is None:
            return location
        if 0 <= location.index < len(self._artifacts):
            return self._artifacts[location.index].location
        return location

    def contents(self, location: ArtifactLocation | None) -> str | None:
        """Give a file's text, where the run's list of artifacts holds it."""
        if location is None:
            return None
        if location.index is not None and 0 <= location.index < len(self._artifacts):
            artifact = self._artifacts[location.index]
            return artifact.contents.text if artifact.contents else None
        return self._texts.get((location.uri or "", location.uri_base_id or ""))

    def web_address(self, location: ArtifactLocation | None) -> str | None:
        """Give the URL when the result is about a running application."""
        found = self._listed(location)
        uri = found.uri if found and found.uri else ""
        return uri if uri.split(":", 1)[0].lower() in _WEB and "//" in uri else None


def _is_absolute(uri: str) -> bool:
    scheme, colon, _ = uri.partition(":")
    return (bool(colon) and (scheme.lower() == "file" or (len(scheme) > 1 and scheme.isalpha()))) or uri[:1] == "/"


def _joined(base: str, relative: str) -> str:
    return relative if not base else f"{base.rstrip('/')}/{relative}"
