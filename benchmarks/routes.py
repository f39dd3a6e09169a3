"""Route tables measured: seconds of CPU each reader takes for a text made to be slow, of the most that is read.

python -m benchmarks.routes
"""

from __future__ import annotations

import time

from pipeline.source.routes.interface import Files
from pipeline.source.routes.table import MAX_CHARACTERS, READERS, readable

NAMES = ("a.js", "urls.py", "A.java", "A.kt", "config/routes.rb")
UNITS = (
    "app.route('/x').get(", "app.use('/x', ((((", "f.register( {prefix ", "@app.get('/x'\n", "path('a', (?P<x>((",
    '@GetMapping((("a', 'get("/x" {', "get '/x' do\n", '@GetMapping("/a") @A(@A(', '/* """ "', "x = Blueprint(",
    ".include_router(a", "class A @RequestMapping ", "const a = require('./a",
)  # fmt: skip


def seconds(text: str) -> tuple[float, str, str]:
    """Return the CPU seconds of the slowest reader, its module and the file's name."""
    slowest = (0.0, "", "")
    for name in NAMES:
        for reader in READERS:
            started = time.process_time()
            reader(Files({name: text}))
            slowest = max(slowest, (time.process_time() - started, reader.__module__, name))
    return slowest


def main() -> None:
    for unit in UNITS:
        for end in ("", "\n"):
            text = readable("express fastapi ktor urlpatterns Mapping routing\n" + f"{unit}{end}" * MAX_CHARACTERS)
            taken, reader, name = seconds(text)
            half, _, _ = seconds(text[: len(text) // 2])
            print(
                f"{unit + end!r:34} {taken:.2f} s ({half:.2f} s of half)", reader.rpartition(".")[2], name, flush=True
            )


if __name__ == "__main__":
    main()
