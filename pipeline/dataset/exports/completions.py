"""mlx-lm's and others' completion form: `prompt` and `completion`."""

from __future__ import annotations

from pathlib import Path

from pipeline.dataset.exports.interface import DataSet, texts, write_lines
from pipeline.records import Example


class Completions:
    """Writes `{kind}/{train,valid,test}.jsonl`; the system's words stand before the question."""

    name = "completions"

    def write(self, data: DataSet, folder: Path) -> dict[str, int]:
        """Write the files; return rows by file."""
        return {
            f"{kind}/{part}.jsonl": write_lines(folder / kind / f"{part}.jsonl", map(_row, examples))
            for (kind, part), examples in data.examples.items()
        }


def _row(example: Example) -> dict[str, str]:
    system, asked, answer = texts(example)
    return {"prompt": f"{system}\n\n{asked}" if system else asked, "completion": answer}
