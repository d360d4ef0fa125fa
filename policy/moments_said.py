"""How far away a better moment may be, and how fast a message loses its worth, as a policy file says them."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator

from policy.quantities import Duration


def _foreseeable(duration: timedelta) -> timedelta:
    if duration > timedelta(days=14):
        raise ValueError("may be 14d at most")
    return duration


def _lasting(duration: timedelta) -> timedelta:
    if not duration:
        raise ValueError("must be above 0: what is worth nothing a moment later goes out with send: now")
    return duration


Foreseeable = Annotated[Duration, AfterValidator(_foreseeable)]
HalfLife = Annotated[Duration, AfterValidator(_lasting)]
