"""Where a page of something ended that is read newest first: its `next`, which is the `before` of the page after."""

from typing import Final

from serving.errors import InvalidField

_END: Final = (2**62, "")


def cursor(at: int, name: str) -> str:
    """Return what says that a page ended with what is of this moment (µs) and has this id."""
    return f"{at}.{name}"


def read_cursor(before: str | None) -> tuple[int, str]:
    """Return the moment and the id that a page comes before, what is newest where none is said (InvalidField)."""
    if before is None:
        return _END
    at, dot, name = before.partition(".")
    if not dot or not (at.isascii() and at.isdecimal()) or len(at) > 18:
        raise InvalidField("before: give the `next` of the page before.", field="before")
    return int(at), name
