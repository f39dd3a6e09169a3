"""Secrets of many kinds in every text field of every scanner's own report, and in no file of the run."""

import csv
import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from pipeline.findings.redaction import PLACEHOLDER
from tests.artifacts.hostile import put
from tests.findings.running import parse, result, sarif
from tests.findings.secrets import CONTEXTS, TOKENS
from tests.scanners.corpus import HERE, as_file, value_of

PLANTED = [(secret, secret) for kind, secret in TOKENS.items() if kind != "slack webhook"]
PLANTED += [(frame.format(secret), secret) for frame, secret in CONTEXTS.values()]
SCANNERS = sorted(folder.name for folder in HERE.iterdir() if any(folder.glob("one.*")))
ROUNDS = len(PLANTED)
"""So many documents of each format, each from the next secret on: every field gets every kind."""

KEPT = frozenset({"$schema", "@programName", "line_range", "schema_version"})
"""Fields a report is recognised by, or that are no text."""

KEPT_VALUES = frozenset({"auditAdvisory", "auditSummary"})
"""Values a report is recognised by."""

NAMED_BY_KEYS = {"detect-secrets": {"results"}, "npm-audit": {"vulnerabilities", "advisories"}}
"""Scanners that write data as keys: which fields hold them."""


class Planter:
    """Puts the next secret behind each text, going round, and remembers which it has put."""

    def __init__(self, number: int, keys: frozenset[str] | set[str] = frozenset()) -> None:
        self._planted = itertools.islice(itertools.cycle(PLANTED), number, None)
        self._keys = keys
        self.number = number
        self.secrets: set[str] = set()

    def text(self, text: str) -> str:
        """Return the text with a secret behind it."""
        planted, secret = next(self._planted)
        self.secrets.add(secret)
        line = text.rstrip("\n")
        return f"{line} {planted}{text[len(line) :]}"

    def json(self, value: Any, key: str = "") -> Any:
        """Return a document with a secret in each of its texts."""
        if isinstance(value, dict):
            named = key in self._keys
            return {self.text(name) if named else name: self.json(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.json(inner, key) for inner in value]
        plain = isinstance(value, str) and key not in KEPT and value not in KEPT_VALUES
        return self.text(value) if plain else value

    def document(self, path: Path) -> bytes:
        """Return a sample with a secret in each of its texts."""
        if path.suffix == ".xml":
            return self._xml(path)
        if path.suffix == ".csv":
            return self._csv(path)
        value, lines = value_of(path)
        return as_file(self.json(value), lines)

    def _xml(self, path: Path) -> bytes:
        root = ElementTree.fromstring(path.read_bytes())
        for element in root.iter():
            if not len(element):
                element.text = self.text(element.text or "")
            for name, value in element.items():
                element.set(name, self.text(value))
        return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))

    def _csv(self, path: Path) -> bytes:
        """Plant in every cell; in that of the line now and then only, since it costs the row."""
        written = io.StringIO()
        rows = list(csv.reader(io.StringIO(path.read_text())))
        csv.writer(written).writerows(
            [[self.text(cell) if row_number and (not cell.isdigit() or self.number % 4 == 3) else cell for cell in row]
             for row_number, row in enumerate(rows)]
        )  # fmt: skip
        return written.getvalue().encode()


def telling_parts(secret: str) -> Iterator[str]:
    """Yield the forms and pieces of a secret that would tell it: whole, decoded, and long parts of it."""
    for form in {secret, unquote(secret), json.dumps(secret)[1:-1]}:
        yield form.lower()
        if len(form) >= 36:
            yield from (form[start : start + 16].lower() for start in (0, len(form) // 2 - 8, len(form) - 18))


def check(folder: Path, secrets: set[str]) -> None:
    """Look for the secrets in every file below `folder`, whatever the case of the letters."""
    written = [path for path in folder.rglob("*") if path.is_file() and path.name != "redaction.key"]
    assert len(written) >= 6
    leaks = set()
    parts = {part for secret in secrets for part in telling_parts(secret)}
    for path in written:
        content = path.read_text().lower()
        leaks |= {(path.name, part, content[max(0, content.index(part) - 60) :][:160])
                  for part in parts if part in content}  # fmt: skip
    assert not leaks, "\n".join(map(str, sorted(leaks)))


@pytest.mark.parametrize("scanner", SCANNERS)
def test_no_file_keeps_a_secret_planted_in_a_report(scanner: str, tmp_path: Path) -> None:
    samples = sorted((HERE / scanner).glob("one.*"))
    documents = [(path, number) for path in samples for number in range(ROUNDS)]
    documents += [(path, number) for number, path in enumerate(sorted((HERE / scanner).glob("many.*")))]
    secrets: set[str] = set()
    for count, (path, number) in enumerate(documents):
        planter = Planter(number, NAMED_BY_KEYS.get(scanner, set()))
        put(tmp_path, f"in/{count}{path.suffix}", planter.document(path))
        secrets |= planter.secrets
    parsed = parse(tmp_path / "out", tmp_path / "in")
    check(tmp_path / "out", secrets)
    assert secrets == {secret for _, secret in PLANTED}
    assert parsed.findings() and PLACEHOLDER.search(parsed.content().decode())
    assert parsed.manifest.counts["reports"] == len(documents)


ODD = sorted(path for path in HERE.glob("*/odd-*") if "garbage" not in path.name)


@pytest.mark.parametrize("path", ODD, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_file_keeps_a_secret_planted_in_another_form_of_a_report(path: Path, tmp_path: Path) -> None:
    """Older versions, other services' forms, faults: every field again gets every kind, and none is written."""
    secrets: set[str] = set()
    try:
        for number in range(ROUNDS):
            planter = Planter(number, NAMED_BY_KEYS.get(path.parent.name, set()))
            put(tmp_path, f"in/{number}{path.suffix}", planter.document(path))
            secrets |= planter.secrets
    except (ValueError, ElementTree.ParseError, RecursionError):
        pytest.skip("a broken sample has no fields")
    put(tmp_path, "in/good.sarif", sarif([result("R1", "a.py", 1)]))
    parsed = parse(tmp_path / "out", tmp_path / "in")
    check(tmp_path / "out", secrets)
    assert parsed.findings()


TOKEN = TOKENS["github personal"]
BOUNDS = (20, 40, 80, 200, 300, 500, 1_000, 1_024, 1_600, 2_000, 4_000, 8_000)
"""Lengths at which a text is cut here or there on its way."""


class Pusher(Planter):
    """Puts one secret across a bound, in each text."""

    def text(self, text: str) -> str:
        """Return the text, filled up so that the secret begins before the bound and ends behind it."""
        bound = BOUNDS[self.number % len(BOUNDS)]
        line = text.rstrip("\n")
        return line + " ab" * ((bound - len(line) - 20) // 3) + " " + TOKEN + text[len(line) :]


@pytest.mark.parametrize("folder", SCANNERS)
def test_no_cut_leaves_half_a_secret(folder: str, tmp_path: Path) -> None:
    """A secret cut in two is one no rule knows, so whatever is cut is cut after redaction."""
    samples = [path for path in sorted((HERE / folder).iterdir()) if path in ODD or path.stem in ("one", "many")]
    for count, path in enumerate(samples):
        for number in range(len(BOUNDS)):
            try:
                document = Pusher(number, NAMED_BY_KEYS.get(folder, set())).document(path)
            except (ValueError, ElementTree.ParseError, RecursionError):
                continue
            if len(document) < 200_000:
                put(tmp_path, f"in/{count}-{number}{path.suffix}", document)
    put(tmp_path, "in/good.sarif", sarif([result("R1", "a.py", 1)]))
    put(tmp_path, f"in/bad/{'a' * 200}/{'b' * 200}.json", b'{"a": ')
    check(parse(tmp_path / "out", tmp_path / "in").folder, {TOKEN[:16], TOKEN[12:24], TOKEN[-18:]})


@pytest.mark.parametrize("bound", BOUNDS[4:])
def test_no_cut_leaves_half_a_secret_behind_one_that_redaction_shortens(bound: int, tmp_path: Path) -> None:
    """What stands behind a long key moves to the front when that is redacted: half a token with it."""
    begin, end = "-----BEGIN RSA PRIVATE KEY-----\n", "\n-----END RSA PRIVATE KEY-----\n"
    text = begin + "A1b2" * ((bound - len(begin + end) - 24) // 4) + end
    text += " " * (bound - len(text) - 20) + TOKEN
    rule = {"id": "R1", "messageStrings": {"m": {"text": "{0}"}}}
    found = result("R1", "a.py", 1) | {"message": {"id": "m", "arguments": [text]}}
    driver = {"name": "Acme", "rules": [rule]}
    document = {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": [found]}]}
    put(tmp_path, "in/a.sarif", json.dumps(document).encode())
    baseline = {"version": "1.5.0", "plugins_used": [], "results": {text: [{"type": 3}]}}
    put(tmp_path, "in/b.json", json.dumps(baseline).encode())
    check(parse(tmp_path / "out", tmp_path / "in").folder, {TOKEN[:16], TOKEN[12:24]})
