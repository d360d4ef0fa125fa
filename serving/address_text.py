"""The text that an address holds behind percent signs: UTF-8, or refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_to_bytes

if TYPE_CHECKING:
    from starlette.types import Scope


def misspelt_part(scope: Scope) -> str | None:
    """Return the parameter of a request, or `path`, that is not UTF-8; None where all is.

    Whoever decodes addresses takes one and the same sign for each byte that is none, and so different ids for one.
    """
    parts = [("path", scope.get("raw_path", b""))]
    parts += [(_name(part), part) for part in scope["query_string"].split(b"&")]
    return next((name for name, part in parts if not _is_utf8(part)), None)


def _name(part: bytes) -> str:
    return unquote(part.partition(b"=")[0].decode("latin-1"))


def _is_utf8(part: bytes) -> bool:
    try:
        unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        return False
    return True
