"""Seconds per megabyte on reports made to hang a reader: `python -m benchmarks.hostile [--only WORD]`.

Every sample of the scanners' corpus becomes files of about a megabyte, in the ways an attacker
would try: its elements repeated, its elements shrunk to the least that is still a finding, its
texts replaced by what costs the redactor most, its bytes damaged. Each is read by its reader
alone (`read`), then by collect and parse as a whole (`flow`). The slowest are printed, in CPU
seconds per megabyte; the exit status is 1 when one of them is past the limit.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from config.errors import InputRefused
from config.settings import Settings
from pipeline.artifacts.collect import Collect, digest_artifacts
from pipeline.findings.parse import Parse
from pipeline.findings.redaction import Redactor
from pipeline.scanners import bounded
from pipeline.scanners.interface import RawFinding, Report, ReportRefused
from pipeline.scanners.registry import recognise
from pipeline.stage import Request, RunFolder
from tests.scanners.corpus import samples

SIZE = 1_000_000
TEXTS = (
    "password=", "password='", "x=secret=aaaaaa=", "pwd=aaaa", "--password ", "token-token=", "aws key ", "sk-",
    "secret=aB3dE5fG7 ", "password is 'abc123' ", "?code=abcdefg1&", "-----BEGIN PRIVATE KEY-----", "a1B2", "a.a@a.",
    "user@example.com ", "a://b:c@", "mysql -p", "<password>a</password>", "eyJaaaaaaaa.", "key: key: ", "\x1b[",
    "ignore all ", "<|", "[redacted:secret:00000000]", "\u202e", "a\n", " ", "a", "A1b2/", "ibm_cloud_iam_api_key",
    "cloudant_", "xox", "1234567890:AA", "AKIA", "{\"a\":", "cwe-", "[a](1)", "{0}", "../", "%41", "<p>", "&lt;",
    "://", "PuTTY-User-Key-File-2", "a.b-", "discord.com/api/webhooks/", "cookie:", "-u a:", "a1",
    " was found in image ", "no ", "no files ", "[a", "](1", "<br ", "Package: ", "Message: ", "Severity:\n",
    "external/cwe/", "\n", "\\", "'", ">=", "<1", "(a ", "ghsa-", "a.", "dockerfile.", "%2e",
)  # fmt: skip
"""What is repeated in texts."""

Case = tuple[str, Callable[[int], bytes]]
"""A hostile file's name, and what makes it in about so many bytes."""


def main() -> None:
    """Measure every case and print the slowest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--limit", type=float, default=1.0, help="CPU seconds per megabyte")
    parser.add_argument("--show", type=int, default=25)
    parser.add_argument("--size", type=int, default=SIZE, help="bytes of a file, about")
    parser.add_argument("--work", choices=sorted(WORK), nargs="+", default=sorted(WORK), help="what is measured")
    arguments = parser.parse_args()
    Redactor(b"warm").redact("password=abc123 a@b.de")
    rows: list[tuple[float, str, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, build in cases():
            if arguments.only not in name:
                continue
            content = build(arguments.size)
            for what in arguments.work:
                seconds, found = timed(WORK[what], content, Path(folder) / f"{len(rows)}")
                rows.append((seconds / (len(content) / 1e6), f"{what} {name}", found))
                if rows[-1][0] > arguments.limit:
                    print(f"{rows[-1][0]:7.2f}  {what} {name} ({found} findings)", flush=True)
    rows.sort(reverse=True)
    print(f"{len(rows)} measurements; the slowest, CPU seconds per MB:", flush=True)
    for seconds, name, found in rows[: arguments.show]:
        print(f"{seconds:7.2f}  {name} ({found} findings)")
    sys.exit(rows[0][0] > arguments.limit)


def timed(work: Callable[[Path, Path], int], content: bytes, folder: Path) -> tuple[float, int]:
    """Return the CPU seconds of the work on a file of this content, and how many findings it gave."""
    folder.mkdir()
    path = folder / "in"
    path.write_bytes(content)
    started = time.process_time()
    found = work(path, folder)
    return time.process_time() - started, found


def read(path: Path, _folder: Path) -> int:
    """Read a report with the reader that recognises it."""
    data = path.read_bytes()
    report = Report(path=path, name="in", head=data[:65536].decode("utf-8", "replace"), size=len(data))
    found = 0
    with suppress(ReportRefused):
        for said in bounded.read(recognise(report), report):
            found += isinstance(said, RawFinding)
    return found


def flow(path: Path, folder: Path) -> int:
    """Collect and parse."""
    request = Request(artifacts=str(path), artifacts_digest=digest_artifacts(path))
    run = RunFolder(folder / "out" / "runs" / "run", "benchmark")
    try:
        for stage in (Collect(), Parse()):
            counts = run.execute(stage, Settings(), request, lambda _: None).counts
    except InputRefused:
        return 0
    return int(counts["before_merging"])


WORK = {"read": read, "flow": flow}
"""What is measured: the reader alone, and collect and parse."""


def cases() -> Iterator[Case]:
    """Yield every hostile file with its name."""
    for path in samples():
        name = f"{path.parent.name}/{path.name}"
        if path.suffix in (".json", ".sarif"):
            yield from json_cases(name, path)
        elif path.name.startswith("one"):
            yield from text_cases(name, path.read_bytes())
    yield from plain_cases()
    yield from markup_cases()
    yield from archive_cases()


def json_cases(name: str, path: Path) -> Iterator[Case]:
    """Repeat, shrink and fill a JSON sample."""
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        yield from text_cases(name, path.read_bytes())
        return
    for place in arrays(document):
        element = at(document, place)[0]
        yield f"{name} repeated {place}", partial(filled, document, place, element)
        if path.name.startswith(("one", "odd")):
            yield f"{name} smallest {place}", partial(filled_smallest, document, place, element)
            for word in ({}, None, 0, "", []):
                yield f"{name} {word!r} {place}", partial(filled, document, place, word)
    if path.name.startswith("one"):
        for text in TEXTS:
            yield f"{name} text {text[:12]!r}", partial(retexted, document, text)
        data = path.read_bytes()
        for damage in (b"[", b'{"a":', b'"', b"\\", b'"\\ud800",', b"\x00", b"\xff", b",", b"]", b"1", b" ", b"NaN,"):
            middle = len(data) // 2
            yield f"{name} damaged {damage!r}", partial(joined, data[:middle], damage, data[middle:])


def arrays(document: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield where arrays with elements are, the first of equal ones only."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield from arrays(value, (*place, name))
    elif isinstance(document, list) and document:
        yield place
        yield from arrays(document[0], (*place, 0))


def at(document: Any, place: tuple[str | int, ...]) -> Any:
    """Return what stands at a place."""
    for step in place:
        document = document[step]
    return document


def filled(document: Any, place: tuple[str | int, ...], element: Any, size: int) -> bytes:
    """Return the document with the array at `place` full of copies of an element."""
    mark = "\u0001mark"
    whole = json.dumps(replaced(document, place, [mark]))
    one = json.dumps(element)
    return whole.replace(json.dumps(mark), ",".join([one] * max(1, size // (len(one) + 1)))).encode()


def replaced(document: Any, place: tuple[str | int, ...], value: Any) -> Any:
    """Return the document with another value at a place."""
    if not place:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[place[0]] = replaced(document[place[0]], place[1:], value)
    return copy


def smallest(document: Any, place: tuple[str | int, ...], element: Any) -> Any:
    """Return the element with every member taken out that a finding can do without."""
    if not isinstance(element, dict):
        return element
    with tempfile.TemporaryDirectory() as folder:

        def found(candidate: Any) -> int:
            path = Path(folder) / "in"
            path.write_text(json.dumps(replaced(document, place, [candidate, candidate])))
            return read(path, path)

        wanted = found(element)
        changed = True
        while changed:
            changed = False
            for name in list(element):
                less = {key: value for key, value in element.items() if key != name}
                if found(less) >= wanted:
                    element, changed = less, True
    return element


def filled_smallest(document: Any, place: tuple[str | int, ...], element: Any, size: int) -> bytes:
    """Return the document with the array at `place` full of the smallest such element."""
    return filled(document, place, smallest(document, place, element), size)


def retexted(document: Any, text: str, size: int) -> bytes:
    """Return the document with every string that isn't structure made of repeated text."""
    count = sum(1 for _ in strings(document))
    long = (text * (size // len(text) // max(count, 1) + 1))[: size // max(count, 1)]

    def change(value: Any, name: str) -> Any:
        if isinstance(value, dict):
            return {key: change(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [change(item, name) for item in value]
        return long if isinstance(value, str) and name not in KEPT else value

    return encoded(change(document, ""))


KEPT = frozenset({"uri", "path", "filename", "file", "name", "version", "$schema", "level", "kind", "ruleId", "id"})
"""Strings that stay, so that a report is still recognised and its finding has a place."""


def strings(value: Any) -> Iterator[str]:
    """Yield the document's strings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def encoded(document: Any) -> bytes:
    """Return a document's JSON."""
    return json.dumps(document).encode("utf-8", "replace")


def text_cases(name: str, data: bytes) -> Iterator[Case]:
    """Repeat the lines of a CSV or XML sample, and break it."""
    lines = data.splitlines(keepends=True)
    yield f"{name} repeated", partial(joined, b"".join(lines[:-1]), lines[-1], b"")
    for damage in (b'"', b",", b"\n", b"a,1,sec_https\n", b"<", b"<a>", b"&", b"]]>", b"<!--", b"<![CDATA[", b"<?a "):
        yield f"{name} damaged {damage!r}", partial(joined, data[: len(data) // 2], damage, b"")


def plain_cases() -> Iterator[Case]:
    """Yield files that are one thing a million times."""
    for piece in ("[", '{"a":', '"', "\\", "\x00", "<", "<a>", "a,", "\n", "{}\n", '{"runs":[', "[[],", "\ufeff", "é"):
        yield f"plain {piece!r}", partial(joined, b"", piece.encode(), b"")
    run = b'{"tool":{"driver":{"name":"a"}}}'
    yield "plain runs", partial(joined, b'{"version":"2.1.0","runs":[', run + b",", run + b"]}")
    yield "plain members", lambda size: encoded({str(number): 0 for number in range(size // 10)})
    yield "plain message strings", shared_message
    yield "gitleaks/many secrets", many_secrets


def joined(head: bytes, piece: bytes, tail: bytes, size: int) -> bytes:
    """Return one piece again and again, between two ends."""
    return head + piece * (size // len(piece)) + tail


def shared_message(size: int) -> bytes:
    """Return a SARIF log whose results all fill in one long message of their rule."""
    rule = {"id": "a", "messageStrings": {"m": {"text": "password={0} " * (size // 120)}}}
    results = [
        {"ruleId": "a", "message": {"id": "m", "arguments": [str(n)]}, "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": "a"}}}]}
        for n in range(size // 160)
    ]  # fmt: skip
    driver = {"name": "a", "rules": [rule]}
    return encoded({"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]})


def many_secrets(size: int) -> bytes:
    """Return a Gitleaks report of many secrets that begin alike, and a text full of such beginnings."""
    finding = {"RuleID": "a", "File": "a", "StartLine": 1, "Description": "aaaaaaaaa1" * 20}
    return encoded([finding | {"Secret": f"aaaaaaaaa{n:06}", "Match": "x", "StartLine": n} for n in range(size // 330)])


def markup_cases() -> Iterator[Case]:
    """Yield ZAP's XML made of tiny parts."""
    head = b'<OWASPZAPReport version="2.14.0"><site name="http://a"><alerts>'
    tail = b"</alerts></site></OWASPZAPReport>"
    alert, end = b"<alertitem><pluginid>1</pluginid>", b"</alertitem>"
    parts = (b"<a/>", alert + end, b"<a>b</a>", b'<a b="c"/>', b'<site name="a"/>', b"&lt;", b"<!---->", b"<?a?>")
    for part in parts:
        yield f"zap/xml {part!r}", partial(joined, head, part, tail)
        yield f"zap/xml {part!r} in an alert", partial(joined, head + alert, part, end + tail)
    opened, closed = alert + b"<instances>", b"</instances>" + end + tail
    yield "zap/xml instances", partial(joined, head + opened, b"<instance/>", closed)
    yield "zap/xml one tag", partial(joined, head + b'<a b="', b"c", b'"/>' + tail)
    yield "zap/xml many attributes", lambda size: head + b"<a " + attributes(size) + b"/>" + tail


def attributes(size: int) -> bytes:
    """Return attributes of different names."""
    return " ".join(f'a{number}="b"' for number in range(size // 11)).encode()


def archive_cases() -> Iterator[Case]:
    """Yield zips of many small entries."""
    for content in (b"", b"[]", b'{"version":"2.1.0","runs":[]}'):
        yield f"zip of many {content.decode()!r}", partial(many_files, content)


def many_files(content: bytes, size: int) -> bytes:
    """Return a zip of many equal files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(size // 110):
            archive.writestr(f"{number:06}.json", content)
    return stream.getvalue()


if __name__ == "__main__":
    main()
