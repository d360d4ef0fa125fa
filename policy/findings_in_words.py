"""What guards said, as a marketer reads it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from features.moments import to_moment
from policy.findings import Finding
from policy.quantities import in_words, percent

_WHY: Final = MappingProxyType(
    {
        "unsubscribed": "they unsubscribed",
        "bounced": "the address bounced",
        "complained": "they complained",
        "manual": "put on the list by hand",
    }
)
_CAPPED: Final = MappingProxyType(
    {"cap": " of all triggers", "cap_per_channel": "", "cap_per_trigger": " of this trigger"}
)


def finding_in_words(found: Finding) -> str:
    """Return what one guard said as a clause, without a capital or a full stop."""
    on = f" by {found.channel}" if found.channel else ""
    if found.guard in _CAPPED:
        return _cap(f"{_CAPPED[found.guard]}{on}", found)
    return _SAID[found.guard](found, on)


def all_in_words(found: Iterable[Finding]) -> str:
    """Return what all guards said, those that object first; empty where none was asked."""
    against = [finding_in_words(each) for each in found if each.objection]
    fine = [finding_in_words(each) for each in found if not each.objection]
    parts = (("Against it", against), ("Not against it", fine))
    return " ".join(f"{head}: {'; '.join(said)}." for head, said in parts if said)


def _suppression(found: Finding, on: str) -> str:
    if not found.objection:
        return f"nothing is suppressed{on}"
    why = str(found.facts[0])
    return f"suppressed{on}: {_WHY.get(why, why)}"


def _consent(found: Finding, on: str) -> str:
    purpose, basis, granted, at = found.facts
    if granted is None:
        lacks = "which takes no yes" if basis == "legitimate_interest" else "and a yes is needed"
        return f"nothing was said about {purpose}{on}, {lacks}"
    return f"{'consent to' if granted else 'a refusal of'} {purpose}{on} was given on {_day(at)}"


def _gap(found: Finding, _: str) -> str:
    gap = _long(found.facts[0])
    return f"ordered at {_clock(found.facts[1])}, less than {gap} ago" if found.objection else f"no order within {gap}"


def _browsing(found: Finding, _: str) -> str:
    return f"on a visit, last seen at {_clock(found.facts[0])}" if found.objection else "no visit under way"


def _cap(of: str, found: Finding) -> str:
    used, most, window = found.facts
    return f"{used} of at most {most} message{'s' * (most != 1)}{of} in the last {_long(window)}"


def _quiet(found: Finding, _: str) -> str:
    start, end, zone = found.facts
    if zone is None:
        return f"quiet hours from {start} to {end}, and it is not known where the person lives"
    return f"{'within' if found.objection else 'outside'} the quiet hours from {start} to {end} in {zone}"


def _best_hour(found: Finding, _: str) -> str:
    return "a better hour comes in time" if found.objection else "no better hour was waited for"


def _pending(_found: Finding, _: str) -> str:
    return "caps leave no room beside what waits for its moment"


def _uplift(found: Finding, _: str) -> str:
    by_uplift, score, threshold = found.facts
    known, needed = "not known" if score is None else _share(score), f"and {_share(threshold)} is needed"
    if by_uplift:
        return f"the message adds {known} to the chance of a purchase, {needed}"
    return f"no model of uplift was in service, so the chance of a purchase counted: it is {known}, {needed}"


_SAID: Final[Mapping[str, Callable[[Finding, str], str]]] = MappingProxyType(
    {
        "uplift": _uplift,
        "suppression": _suppression,
        "consent": _consent,
        "gap_after_purchase": _gap,
        "not_while_browsing": _browsing,
        "quiet_hours": _quiet,
        "best_hour": _best_hour,
        "pending": _pending,
    }
)


def _long(duration_us: Any) -> str:
    return in_words(timedelta(microseconds=duration_us))


def _share(share: Any) -> str:
    return percent(round(share, 4))


def _day(at_us: Any) -> str:
    return f"{to_moment(at_us):%Y-%m-%d}"


def _clock(at_us: Any) -> str:
    return f"{to_moment(at_us):%Y-%m-%d %H:%M} UTC"
