"""Examples without the code they are about, for a data set that strangers may read.

The excerpt goes, and every place that repeats some of it: passages that show the repository's own fixes,
fences, quoted lines, and whatever else of a conversation stands in the excerpt word for word.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from pipeline.records import Example, Message

LEFT_OUT = "[code left out]"
TOLD = (
    "kind", "label", "fingerprint", "pair", "scanner", "scanners", "rule", "cwes", "severity", "domain", "technology",
    "path", "place", "lines", "tier", "author", "source", "verdict", "made", "cluster", "split",
)  # fmt: skip
"""What of an example's metadata says nothing of the code itself."""
SHORTEST_LINE, SHORTEST_WORD = 8, 4
_CODE = re.compile(r"<code\b.*?</code>", re.DOTALL)
_OWN_FIX = re.compile(r'<passage source="[^"\n]*" id="fix:[^"\n]*">\n.*?\n</passage>\n?', re.DOTALL)
_FENCE = re.compile(r"(```|~~~).*?(?:\1|(?=\n</passage>)|\Z)", re.DOTALL)
_SAID = re.compile(r"(?<= reads )`[^`\n]*`|(?<=Replace )`[^`\n]*`(?: by `[^`\n]*`)?|(?<=Add )`[^`\n]*`")
_QUOTED = re.compile(r"`([^`\n]*)`")
_NAME = re.compile(r"[\w./-]+")
_NUMBERED = re.compile(r"^[> ] *\d+ ")
_WORD = re.compile(r"[^\s`]*[(){}\[\]=;<>'\"$][^\s`]*")


class Clearing:
    """Takes code out of examples. `examples` are all of a data set: what one shows, its pair's other half may quote."""

    def __init__(self, examples: Iterable[Example]) -> None:
        self._lines: dict[str, set[str]] = defaultdict(set)
        for example in examples:
            self._lines[_pair(example)].update(_lines(example))

    def __call__(self, example: Example) -> Example:
        """Return an example without its excerpt and all that repeats it: what stays is findings and explanations.

        Names (paths, packages, images, rules) stay.
        """
        known = {str(example.metadata.get("path")), str(example.metadata.get("place")).partition(":")[2]}
        lines = sorted(self._lines[_pair(example)] | set(_lines(example)), key=lambda line: (-len(line), line))
        told = {name: value for name, value in example.metadata.items() if name in TOLD}
        return Example(
            messages=tuple(
                Message(role=one.role, content=_cleared(one.content, lines, known)) for one in example.messages
            ),
            metadata=told,
        )


def _pair(example: Example) -> str:
    return str(example.metadata.get("pair", ""))


def _cleared(text: str, lines: list[str], known: set[str]) -> str:
    text = _FENCE.sub(LEFT_OUT, _OWN_FIX.sub("", _CODE.sub(LEFT_OUT, text)))
    text = _SAID.sub(f"`{LEFT_OUT}`", text)
    text = _QUOTED.sub(lambda quote: quote[0] if _is_name(quote[1], known) else f"`{LEFT_OUT}`", text)
    for line in lines:
        text = text.replace(line, LEFT_OUT)
    code = "\n".join(lines)
    return _WORD.sub(lambda word: LEFT_OUT if _stands_in(word[0], code) else word[0], text) if code else text


def _is_name(quoted: str, known: set[str]) -> bool:
    return quoted in known or quoted == LEFT_OUT or _NAME.fullmatch(quoted) is not None


def _lines(example: Example) -> Iterator[str]:
    """Yield the lines of code an example shows that are long enough to be told from prose, as they may be quoted."""
    blocks = [block for message in example.messages for block in _CODE.findall(message.content)]
    shown = [_NUMBERED.sub("", line) for block in blocks for line in block.split("\n")[1:-1]]
    if example.metadata.get("kind") == "codefix":
        shown += f"{example.metadata.get('before', '')}\n{example.messages[-1].content}".split("\n")
    for line in shown:
        if len(bare := line.strip()) >= SHORTEST_LINE and not bare.isalnum():
            yield bare
            yield bare.replace("`", "'")


def _stands_in(word: str, code: str) -> bool:
    bare = word.strip(".,:;()[]{}'\"")
    return len(bare) >= SHORTEST_WORD and bare in code
