"""What every section is."""

from __future__ import annotations

from typing import dataclass_transform

import msgspec
from msgspec import Struct


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of settings; an unknown key in it is an error."""
