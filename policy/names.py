"""The names that a policy file gives to what it holds."""

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import StringConstraints

NAME: Final = r"^[a-z0-9][a-z0-9_-]*$"
LONGEST_NAME: Final = 80
Name = Annotated[str, StringConstraints(pattern=NAME, max_length=LONGEST_NAME)]


def check_differ(names: Iterable[str], place: str, what: str) -> None:
    """Raise ValueError where two of a list have the same name; `place` is the list's, in the words of its errors."""
    seen = set[str]()
    for position, name in enumerate(names):
        if name in seen:
            raise ValueError(f"{place}[{position}].name: two {what} have the same name: {name}")
        seen.add(name)
