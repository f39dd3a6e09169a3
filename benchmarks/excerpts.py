"""Excerpts measured: how many a second on a repository of 5,000 files, how that grows, and the three tiers.

python -m benchmarks.excerpts                 a made repository, as a folder and as a commit
python -m benchmarks.excerpts --tree FOLDER   real code: lines drawn at random, rate of each tier by language
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from config.settings import Source
from pipeline.records import Domain, FileLocation, Finding, Rule, Scanner, Severity
from pipeline.source.folder import FolderTree
from pipeline.source.interface import SourceTree
from pipeline.source.language import language_of
from pipeline.source.locate import Locator
from pipeline.source.tree import GitTree

KINDS = {
    "py": "import os\n\nclass C{n}:\n    def f(self, x):\n{body}        return os.system(x)\n",
    "js": "const cp = require('child_process');\nfunction f{n}(x) {{\n{body}  cp.exec(x);\n}}\n",
    "java": "import java.io.File;\npublic class C{n} {{\n  void f(String x) {{\n{body}    new File(x);\n  }}\n}}\n",
    "tf": 'resource "aws_s3_bucket" "b{n}" {{\n{body}  acl = "public-read"\n}}\n',
    "yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p{n}\n{body}spec:\n  hostNetwork: true\n",
}
COMMENT = {
    "py": "        # line\n",
    "js": "  // line\n",
    "java": "    // line\n",
    "tf": "  # line\n",
    "yaml": "# line\n",
}


def repository(folder: Path, files: int) -> list[str]:
    paths = []
    for number in range(files):
        kind = list(KINDS)[number % len(KINDS)]
        path = folder / f"d{number % 50}" / f"f{number}.{kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "\n".join(KINDS[kind].format(n=f"{number}x{part}", body=COMMENT[kind] * 20) for part in range(4))
        )
        paths.append(path.relative_to(folder).as_posix())
    return paths


def finding(path: str, line: int) -> Finding:
    return Finding(
        fingerprint=f"{path}:{line}", scanner=Scanner(name="s"), rule=Rule(id="r"), severity=Severity.LOW,
        domain=Domain.SAST, location=FileLocation(path=path, start_line=line, end_line=line), message="m",
    )  # fmt: skip


def measure(name: str, tree: SourceTree, paths: list[str], lines: tuple[int, ...]) -> None:
    findings = [finding(path, line) for path in paths for line in lines]
    wall, cpu = time.perf_counter(), time.process_time()
    located = Locator(tree, Source()).locate_all(findings)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    cut = sum(one.sketch is not None for one in located)
    print(
        f"{name}: {cut} excerpts in {wall:.2f} s ({cpu:.2f} s CPU): {cut / wall:.0f}/s, {cut / cpu:.0f} per CPU second",
        flush=True,
    )


def made() -> None:
    for files in (1000, 5000):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            paths = repository(folder, files)
            environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
            for command in (
                ["init", "-q"],
                ["add", "-A"],
                ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
            ):
                subprocess.run(["git", *command], cwd=folder, check=True, env=environment)
            measure(f"{files} files, folder, 1 finding each", FolderTree(folder), paths, (24,))
            measure(f"{files} files, folder, 4 findings each", FolderTree(folder), paths, (24, 40, 60, 80))
            with GitTree(folder, "HEAD") as tree:
                measure(f"{files} files, commit, 1 finding each", tree, paths, (24,))


def real(folder: Path, most: int) -> None:
    """Draw one line of each file; print the tiers by language."""
    chance = random.Random(3)
    tree = FolderTree(folder)
    paths = [path for path in _all(folder) if language_of(path) not in ("text", "markdown")]
    chance.shuffle(paths)
    tiers: dict[str, Counter[str]] = defaultdict(Counter)
    for path in paths[: most * 4]:
        content = tree.read(path)
        lines = content.count(b"\n") if content else 0
        if lines < 3 or sum(tiers[language_of(path)].values()) >= most:
            continue
        (one,) = Locator(tree, Source()).locate_all([finding(path, chance.randint(1, lines))])
        if one.sketch is not None:
            tiers[one.sketch.excerpt.language][one.sketch.excerpt.tier.value] += 1
    total: Counter[str] = sum(tiers.values(), Counter())
    for language, counted in sorted(tiers.items(), key=lambda pair: -sum(pair[1].values())):
        print(f"{language:14}", dict(counted))
    print("full or partial:", round((total["parsed"] + total["partial"]) / max(1, sum(total.values())), 4), dict(total))


def _all(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", type=Path)
    parser.add_argument("--most", type=int, default=150, help="most files of one language")
    arguments = parser.parse_args()
    if arguments.tree is None:
        made()
    else:
        real(arguments.tree, arguments.most)


if __name__ == "__main__":
    main()
