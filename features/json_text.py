"""JSON text that is stored: what it is read back as is what was written."""

from json import JSONEncoder
from typing import Any, Final

from msgspec.json import Decoder, Encoder

from features.events import BadEvent

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
        BadEvent: There is none, such as of NaN, of bytes or of half a character.
    """
    try:
        found = _write(content)
        # It writes NaN as null and bytes as text: what never was JSON must read back as it is.
        if was_json or _read(found) == content:
            return found.decode()
    except (ValueError, TypeError, OverflowError, RecursionError):
        pass  # The other one says what is wrong, if anything is.
    return _strictly(content)


def _strictly(content: dict[str, Any]) -> str:
    try:
        found = _write_strictly(content)
        if not found.isascii():
            found.encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise BadEvent("", f"is not JSON: {error!s:.120}", "not_json") from None
    return found
