"""The names that a policy file gives to what it holds."""

from typing import Annotated, Final

from pydantic import StringConstraints

NAME: Final = r"^[a-z0-9][a-z0-9_-]*$"
LONGEST_NAME: Final = 80
Name = Annotated[str, StringConstraints(pattern=NAME, max_length=LONGEST_NAME)]
