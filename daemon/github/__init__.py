"""GitHub Actions: finding new workflow runs, judging where they come from, fetching their artifacts.

`requests` is loaded without the libraries that guess a text's character set: they are optional, take 3 MB of a
service that does nothing most of the time, and GitHub's JSON is UTF-8.
"""

import sys
import warnings

_GUESSERS = [name for name in ("chardet", "charset_normalizer") if name not in sys.modules]
sys.modules.update(dict.fromkeys(_GUESSERS))  # type: ignore[arg-type]  # None: as if it weren't installed
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # requests says that it has none
        import requests as requests
finally:
    for _name in _GUESSERS:
        del sys.modules[_name]
