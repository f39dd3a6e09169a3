"""mlx-lm's chat form: `messages` and nothing else."""

from __future__ import annotations

from pathlib import Path

from pipeline.dataset.exports.interface import DataSet, write_lines


class Chat:
    """Writes `{kind}/{train,valid,test}.jsonl` of `{"messages": […]}`; the model's own template makes the text."""

    name = "chat"

    def write(self, data: DataSet, folder: Path) -> dict[str, int]:
        """Write the files; return rows by file."""
        return {
            f"{kind}/{part}.jsonl": write_lines(
                folder / kind / f"{part}.jsonl", ({"messages": example.messages} for example in examples)
            )
            for (kind, part), examples in data.examples.items()
        }
