"""How something stands, in one word."""

from enum import StrEnum


class Status(StrEnum):
    """The words of `make health`, the gravest last."""

    OK = "ok"
    """As it was, as far as the number of rows can tell."""
    UNKNOWN = "unknown"
    """Too little to tell; the words beside it say what is missing."""
    CHANGED = "changed"
    """Not by chance, and not much."""
    LARGE = "large"
    """So much that what was learned may no longer hold."""
    ALERT = "alert"
    """Something stands still, or is wrong: somebody should look now."""

    @property
    def grade(self) -> int:
        """Its place among them, from 0, as it is measured."""
        return list(Status).index(self)
