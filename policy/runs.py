"""A run of a trigger: where it stands between the event that began it and its last step."""

from typing import Final, NamedTuple

from policy.view import SentMessage

EVERYTHING: Final = ""
"""The key of what is for the user as a whole."""


class Run(NamedTuple):
    """Where a trigger stands when it is asked.

    Attributes:
        step: Which step decides; 0 is the trigger itself.
        key: The cart or product that it is about, or `EVERYTHING`.
        is_due: Whether its moment has come, rather than an event asks at once.
        first_at: When this step was first put off, in microseconds; None if it was not.
        message: The last message that it sent, or withheld; None before the first.
    """

    step: int = 0
    key: str = EVERYTHING
    is_due: bool = False
    first_at: int | None = None
    message: SentMessage | None = None


AT_ONCE: Final = Run()
"""An event asks for the user as a whole."""


class Waiting(NamedTuple):
    """A run that goes on at a moment in microseconds."""

    run: Run
    due_at: int
