"""Single values of a payload: read strictly, refused by name."""

from math import isfinite
from typing import Any, Final

from features.events import BadEvent

MOST: Final = 1e12  # beyond it a float64 no longer adds cents exactly over a year of orders
_ID_BITS: Final = 850  # about 256 decimal digits; Python itself refuses to print far longer ones


def text(value: object, field: str, most: int = 256) -> str | None:
    """Return a name or an id without surrounding space; None where there is none.

    Whole numbers are taken too, since many shops count their users.

    Raises:
        BadEvent: Another type, longer than `most` characters, or not storable as text.
    """
    if type(value) is str:
        found = value.strip()
    elif value is None:
        return None
    else:
        found = _digits(value, field)
    if len(found) > most:
        raise BadEvent(field, f"must have at most {most} characters", "too_long")
    if not found.isascii() or "\x00" in found:
        _check_storable(found, field)
    return found or None


def _digits(value: object, field: str) -> str:
    if type(value) is float and isfinite(value) and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise BadEvent(field, f"must be a string, not {_type(value)}", "not_a_string")
    if value.bit_length() > _ID_BITS:
        raise BadEvent(field, "must have at most 256 characters", "too_long")
    return str(value)


def _check_storable(value: str, field: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadEvent(field, "is not valid Unicode", "not_unicode") from None
    if "\x00" in value:
        raise BadEvent(field, "must not hold a NUL character", "not_unicode")


def number(value: object, field: str) -> float | None:
    """Return a finite number from a number or its text; None where there is none.

    Raises:
        BadEvent: Anything else, or beyond `MOST` either way.
    """
    if value is None:
        return None
    if type(value) is float or type(value) is int:
        found: float = value
    elif type(value) is str:
        stripped = value.strip()
        if not stripped:
            return None
        found = _of_text(stripped, field)
    else:
        raise BadEvent(field, f"must be a number, not {_type(value)}", "not_a_number")
    if not -MOST <= found <= MOST:
        raise BadEvent(field, "must be a finite number of at most 1e12", "out_of_range")
    return float(found)


def _of_text(value: str, field: str) -> float:
    try:
        if "_" not in value:
            return float(value)
    except ValueError:
        pass
    raise BadEvent(field, f"{value!r:.60} is not a number", "not_a_number")


def not_negative(value: object, field: str) -> float | None:
    """Return a number that is zero or more; None where there is none (BadEvent)."""
    found = number(value, field)
    if found is not None and found < 0:
        raise BadEvent(field, "must not be negative", "negative")
    return found


def section(value: object, field: str) -> dict[str, Any]:
    """Return an object; empty where there is none (BadEvent)."""
    if value is None:
        return {}
    if type(value) is dict:
        return value
    raise BadEvent(field, f"must be an object, not {_type(value)}", "not_an_object")


def _type(value: object) -> str:
    names = {bool: "true or false", dict: "an object", list: "a list", str: "a string"}
    return names.get(type(value), type(value).__name__)
