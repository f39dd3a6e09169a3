"""No name that nothing defines: a fix that uses `secrets` without importing it breaks the program."""

from __future__ import annotations

import builtins
import symtable
import warnings
from collections.abc import Iterator

_KNOWN = frozenset(dir(builtins)) | {
    "__file__", "__name__", "__doc__", "__spec__", "__path__", "__package__", "__loader__", "__builtins__",
    "__annotations__", "__module__", "__qualname__", "__class__",
}  # fmt: skip


def new_undefined_name(before: str, after: str) -> str | None:
    """Return a name the fixed Python file uses and nothing in it defines, None when there is none new."""
    fresh = undefined_names(after) - undefined_names(before)
    return min(fresh) if fresh else None


def undefined_names(text: str) -> set[str]:
    """Return the global names a Python text reads and nothing binds; none with `import *` or when it doesn't parse."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            top = symtable.symtable(text, "fix", "exec")
        except (SyntaxError, ValueError, RecursionError):
            return set()
    if "import *" in text:
        return set()
    tables = list(_tables(top))
    bound = {symbol.get_name() for symbol in top.get_symbols() if _binds(symbol)}
    bound |= {s.get_name() for table in tables for s in table.get_symbols() if s.is_declared_global() and _binds(s)}
    used = {s.get_name() for table in tables for s in table.get_symbols() if s.is_referenced() and s.is_global()}
    used |= {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced() and not _binds(symbol)}
    return used - bound - _KNOWN


def _binds(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_parameter() or symbol.is_namespace()


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)
