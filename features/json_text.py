"""JSON text that is stored: what it is read back as is what was written."""

from json import JSONEncoder
from typing import Any, Final

from msgspec.json import Decoder, Encoder

from features.events import BadEvent

DEEPEST: Final = 64
"""Levels of lists and objects: what is stored can be read again, from whatever depth of calls somebody does."""
TOO_DEEP: Final = f"is nested deeper than {DEEPEST} levels"
_write: Final = Encoder().encode
_read: Final = Decoder().decode
_write_strictly: Final = JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
).encode


def json_text(content: dict[str, Any], *, was_json: bool = False) -> str:
    """Return the JSON text of an object.

    Args:
        content: The object.
        was_json: Whether all of it was read from JSON, and so is what JSON can hold.

    Raises:
        BadEvent: There is none, such as of NaN, of bytes or of half a character, or it is deeper than can be kept.
    """
    try:
        found = _write(content)
        if was_json:
            return found.decode()
        # It writes NaN as null and bytes as text: what never was JSON must read back as it is.
        if _read(found) == content:
            return _checked(found.decode(), content)
    except (ValueError, TypeError, OverflowError, RecursionError):
        pass  # The other one says what is wrong, if anything is.
    return _checked(_strictly(content), content)


def _checked(text: str, content: dict[str, Any]) -> str:
    if text.count("{") + text.count("[") > DEEPEST and deeper_than(content, DEEPEST):
        raise BadEvent("", TOO_DEEP, "too_deep")
    return text


def deeper_than(value: object, levels: int) -> bool:
    """Return whether lists and objects are nested deeper than that; never led deeper itself."""
    if isinstance(value, dict):
        return levels == 0 or any(deeper_than(each, levels - 1) for each in value.values())
    if isinstance(value, list):
        return levels == 0 or any(deeper_than(each, levels - 1) for each in value)
    return False


def _strictly(content: dict[str, Any]) -> str:
    try:
        found = _write_strictly(content)
        if not found.isascii():
            found.encode()
    except RecursionError:
        raise BadEvent("", TOO_DEEP, "too_deep") from None
    except (ValueError, TypeError) as error:
        raise BadEvent("", f"is not JSON: {error!s:.120}", "not_json") from None
    return found
