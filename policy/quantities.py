"""The quantities of a policy file as people write them: `30 min`, `7d`, `10%`, and the horizon labels `24h`, `7d`."""

import re
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

LONGEST_HORIZON: Final = timedelta(days=90)
"""No horizon is longer, which bounds how far back an order looks for the decisions it may be due to."""

LONGEST: Final = timedelta(days=3650)
"""No duration of a policy file is longer."""

_SECONDS: Final = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
    **dict.fromkeys(("w", "week", "weeks"), 604800),
}
_DURATION: Final = re.compile(r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*([a-z]+)\s*", re.IGNORECASE)
_PERCENT: Final = re.compile(r"\s*(\d{1,3}(?:\.\d{1,6})?)\s*%\s*")
_HORIZON: Final = re.compile(r"([1-9]\d{0,4})([hd])")


def microseconds(duration: timedelta) -> int:
    """Return the duration in whole microseconds, without passing through a float."""
    return duration // timedelta(microseconds=1)


def read_duration(text: object) -> object:
    """Turn `30 min`, `24h`, `7 days` or `0` into a timedelta; pass a timedelta through.

    Raises:
        ValueError: It is not a number with a unit; a bare number other than 0 has no unit.
    """
    if isinstance(text, timedelta):
        return text
    if text == 0 and not isinstance(text, bool):
        return timedelta(0)
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    seconds = _SECONDS.get(found[2].lower()) if found else None
    if found is None or seconds is None:
        raise ValueError("must be a number with a unit, such as 30 min, 24h or 7d")
    return timedelta(seconds=float(found[1]) * seconds)


def read_share(text: object) -> object:
    """Turn `10%` into 0.1; pass numbers through.

    Raises:
        ValueError: It is text, but no percentage.
    """
    if not isinstance(text, str):
        return text
    found = _PERCENT.fullmatch(text)
    if found is None:
        raise ValueError("must be a percentage such as 10%, or a number from 0 to 1")
    return float(found[1]) / 100


def in_words(duration: timedelta) -> str:
    """Write a duration as people say it.

    >>> in_words(timedelta(minutes=90)), in_words(timedelta(hours=72)), in_words(timedelta(hours=1))
    ('90 minutes', '3 days', '1 hour')
    """
    for unit, seconds in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count, rest = divmod(duration, timedelta(seconds=seconds))
        if count and not rest:
            return f"{count} {unit}{'s' * (count != 1)}"
    rest_s = duration.total_seconds()
    return f"{rest_s:g} second{'s' * (rest_s != 1)}"


def percent(share: float) -> str:
    """Write a share as people say it: 0.25 is `25 %`."""
    return f"{100 * share:g} %"


def horizon_length(label: str) -> timedelta:
    """Return how long a horizon label (`<n>h` or `<n>d`) lasts.

    Raises:
        ValueError: The label is no such thing, or longer than `LONGEST_HORIZON`.
    """
    found = _HORIZON.fullmatch(label)
    length = timedelta(hours=int(found[1]) * (24 if found[2] == "d" else 1)) if found else timedelta(0)
    if not timedelta(0) < length <= LONGEST_HORIZON:
        raise ValueError(f"must be a number of hours or days such as 24h or 7d, at most {LONGEST_HORIZON.days}d")
    return length


def _horizon(label: str) -> str:
    horizon_length(label)
    return label


Written = Annotated[str, Field(pattern=r"^\s*\d{1,6}(\.\d{1,6})?\s*[A-Za-z]+\s*$")] | Literal[0]
"""A duration as the published schema lets an editor check it."""
Percent = Annotated[str, Field(pattern=r"^\s*\d{1,3}(\.\d{1,6})?\s*%\s*$")]
"""A percentage as the published schema lets an editor check it."""
Duration = Annotated[
    timedelta,
    BeforeValidator(read_duration, json_schema_input_type=Written),
    Field(ge=timedelta(0), le=LONGEST),
]
WrittenShare = Annotated[float, Field(ge=0, le=1)] | Percent
"""A share as the published schema lets an editor check it."""
Share = Annotated[
    float,
    BeforeValidator(read_share, json_schema_input_type=WrittenShare),
    Field(ge=0, le=1),
]
Horizon = Annotated[str, AfterValidator(_horizon)]
