"""Code that was taken away instead of mended: emptied files and blocks, deleted statements, stubs, dead branches."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from pipeline.fixes.code import TRIVIAL, code_lines, has_code, is_text_alone
from pipeline.fixes.region import parse
from pipeline.verification.change import Change, difference
from pipeline.verification.checks.hollow import hollow

_CODE = frozenset(
    """python javascript typescript tsx java kotlin go ruby php csharp c cpp rust swift scala groovy dart bash perl
    powershell lua elixir objc solidity""".split()  # noqa: SIM905
)
_STUB = re.compile(
    r"^(?:(?:return|yield)\b[\s(]*(?:None|null|nil|undefined|True|False|true|false|0|-1|\"\"|''|\[\]|\{\}|\(\))?\)?;?"
    r"|raise\b.*|throw\b.*|panic!?\(.*|pass|\.\.\.|exit\b.*|sys\.exit\(.*|abort\(.*|:|true|continue;?|break;?|unset\b.*)$"
)
_DEAD = re.compile(
    r"^\s*(?:if|elif|while|else\s+if)\s*\(?\s*(?:False|false|0|None|null|nil|not\s+True|!\s*true|1\s*==\s*0|0\s*==\s*1|\"\"|'')\s*\)?\s*(?:[:{]|;?\s*then|$)"
    r"|^\s*\#\s*if\s+0\b|\bif\s+TYPE_CHECKING\s*:|^\s*count\s*=[^\n]*\b0\s*$|^\s*for_each\s*=[^\n]*(?:\[\s*\]|\{\s*\})\s*\)?\s*$|^\s*if:\s*(?:\$\{\{\s*)?false\b",
    re.MULTILINE,
)
_BODIES = frozenset(
    """module program source_file translation_unit compilation_unit block statement_block compound_statement body
    class_body declaration_list body_statement function_body statements script_file do_group then""".split()  # noqa: SIM905
)
_COMMENT = re.compile(r"^\s*(?:#+|//+|/\*+|--|;+|<!--)\s?(.*?)\s*(?:\*/|-->)?\s*$")
_TOP_BLOCK = re.compile(r"^\s*(?:resource|module|data|provider)\b.*\{?\s*$")
_ITEM = re.compile(
    r"^\s*(?:-\s+(?:name|image|uses|run|id|containerPort|apiGroups|effect|Effect)\b|kind:\s|services:\s)"
)
_EMPTY_LIST = re.compile(r"^(?:containers|steps|jobs|services|[Rr]esources)\"?\s*:\s*(?:\[\s*\]|\{\s*\})$")
_LONGEST = 12
"""More flagged lines than this hold items that aren't meant."""
_SETTING = re.compile(r"^(?:-\s|[\w\"'./$<-]+\s*:|[\]\[{}\"',]+)")
_INSTRUCTION = re.compile(
    r"^\s*(RUN|COPY|ADD|CMD|ENTRYPOINT|FROM|WORKDIR|HEALTHCHECK|VOLUME)\b", re.IGNORECASE | re.MULTILINE
)


def taken_away(change: Change) -> str | None:
    """Return how a change removes code instead of mending it, None when it doesn't."""
    before, after = change.before, change.after
    if has_code(change.path, before.text) and not has_code(change.path, after.text):
        return "the file is emptied"
    if _DEAD.search(change.added) and len(_DEAD.findall(after.text)) > len(_DEAD.findall(before.text)):
        return "the code is switched off"
    if _commented_out(change):
        return "the code is commented out"
    if change.language in _CODE:
        return _code(change) or hollow(change)
    if change.language == "dockerfile":
        return _dockerfile(change)
    return _configuration(change)


def _commented_out(change: Change) -> bool:
    """Tell whether a line that was code stands in a comment now."""
    gone = {" ".join(line.split()) for line in change.removed.split("\n")}
    comments = (match.group(1) for line in change.added.split("\n") if (match := _COMMENT.match(line)))
    return any(" ".join(text.split()) in gone for text in comments if len(text.strip()) > 3)


def _code(change: Change) -> str | None:
    old, new = code_lines(change.path, change.removed), _own_lines(change)
    meaning = [line for line in old if line not in TRIVIAL and not _STUB.match(line)]
    if meaning and not any(line not in TRIVIAL and not _STUB.match(line) for line in new):
        return None if _only_parts(change) else "the code is deleted"
    old_count, new_count = _statements(change, old=True), _statements(change, old=False)
    only_fewer = not (Counter(new) - Counter(old))
    if only_fewer and new_count < old_count:
        return "the code is deleted"
    return None


def _own_lines(change: Change) -> list[str]:
    """Return the new code lines; Python's strings standing alone are comments."""
    lines = code_lines(change.path, change.after.text)
    rest = Counter(code_lines(change.path, change.before.block(1, change.old_span[0] - 1)))
    rest += Counter(code_lines(change.path, change.before.block(change.old_span[1] + 1, len(change.before.lines))))
    own = Counter(lines) - rest
    return [line for line, count in own.items() for _ in range(count)]


def _only_parts(change: Change) -> bool:
    """Tell whether only parts of statements went, such as an argument: as many statements as before."""
    if change.language == "python" and any(_STUB.match(line) for line in _own_lines(change)):
        return False
    same = _statements(change, old=False) == _statements(change, old=True)
    return same and bool(change.after.block(1, len(change.after.lines)).strip()) and not change.added.strip()


def _statements(change: Change, *, old: bool) -> int:
    text = (change.before if old else change.after).text
    root = parse(change.language, text)
    return 0 if root is None else _count(root)


def _count(root: Any) -> int:
    """Count what stands in bodies: the statements of blocks and of the file."""
    count, waiting = 0, [root]
    while waiting:
        node = waiting.pop()
        if node.type in _BODIES:
            count += sum(1 for one in node.children if one.is_named and _is_statement(one))
        waiting += node.children
    return count


def _is_statement(node: Any) -> bool:
    return "comment" not in node.type and node.type != "empty_statement" and not is_text_alone(node)


def _dockerfile(change: Change) -> str | None:
    old = Counter(match.upper() for match in _INSTRUCTION.findall(_joined(change.before.text)))
    new = Counter(match.upper() for match in _INSTRUCTION.findall(_joined(change.after.text)))
    gone, come = old - new, new - old
    if gone["ADD"] and come["COPY"]:
        gone["ADD"] -= come["COPY"]
    for word in ("FROM", "COPY", "ADD", "CMD", "ENTRYPOINT"):
        if gone[word] > 0 and not new[word] and not come:
            return f"{word} is deleted"
    if (gone["RUN"] > 0 and not _runs_kept(change)) or _runs_nothing(change):
        return "RUN is deleted"
    return None


def _runs_nothing(change: Change) -> bool:
    """Tell whether a RUN has none of its words any more."""
    old, new = (" ".join(lines) for lines in difference(change))
    words = set(re.findall(r"[\w./-]{3,}", old)) - {"RUN"}
    return "RUN " in old and "RUN " in new and not words & set(re.findall(r"[\w./-]{3,}", new))


def _joined(text: str) -> str:
    return "\n".join(line for line in re.sub(r"\\\n", " ", text).split("\n"))


def _runs_kept(change: Change) -> bool:
    """Tell whether the commands of removed RUN lines went into other ones."""
    old = set(re.findall(r"[\w./-]{3,}", change.removed))
    new = set(re.findall(r"[\w./-]{3,}", change.added))
    return len(old & new) * 2 >= len(old)


def _configuration(change: Change) -> str | None:
    """Refuse a change that takes the flagged block away and puts none in its place."""
    first, last = _flagged_block(change)
    removed, fresh = difference(change)
    gone = Counter(removed)
    flagged = set(code_lines(change.path, change.before.block(first, last)))
    if flagged and all(gone[line] for line in flagged) and not fresh:
        total = len(code_lines(change.path, change.before.text))
        if last > first or len(flagged) == total or not _is_setting(change):
            return "the block is deleted"
    if any(_EMPTY_LIST.match(line) for line in fresh):
        return "the block is deleted"
    if removed and not fresh and _holds_more(change, removed):
        return "the block is deleted"
    opening = code_lines(change.path, change.before.block(first, first))
    for opens, lines in ((_TOP_BLOCK.match, flagged), (_ITEM.match, flagged if last - first < _LONGEST else opening)):
        if any(opens(line) and gone[line] for line in lines) and not any(opens(line) for line in fresh):
            return "the block is deleted"
    return None


def _holds_more(change: Change, removed: list[str]) -> bool:
    """Tell whether more went than settings: a block of several, or lines of a script."""
    if change.language == "hcl":
        return any(line.endswith("{") for line in removed) and sum("=" in line for line in removed) > 1
    return change.language == "yaml" and any(not _SETTING.match(line) for line in removed)


def _flagged_block(change: Change) -> tuple[int, int]:
    """Return the flagged lines, with the line that opens their block when that one is flagged alone."""
    first, last = change.flagged
    return max(1, first), min(last, len(change.before.lines))


def _is_setting(change: Change) -> bool:
    """Tell whether the flagged line is one key with one value: without it the default holds."""
    line = change.before.lines[change.flagged[0] - 1].strip()
    return re.match(r"^[\w\"'.-]+\s*[:=]\s*\S", line) is not None and not line.startswith("- ")
