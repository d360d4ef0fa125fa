"""What may be told of a person by whoever is believed: over HTTP by an operator, and in files."""

import json
from typing import Any, Final

from features.json_text import DEEPEST, TOO_DEEP, deeper_than
from features.moments import zone
from serving.lessons import address
from serving.profiles import LONGEST_VALUE

_ABOVE: Final = 2
"""Levels around a trait where it is stored: that of all traits, and that of what an event tells."""


def fault(field: str, value: Any) -> str | None:
    """Return what is wrong with a field of a profile, as the end of a sentence; None where it can be kept."""
    if field == "consents":
        return "consents have a route of their own"
    if field in {"email", "phone"} and (not isinstance(value, str) or address(value) is None):
        # What is an address stays one: null could not take it back.
        return "is no e-mail address and no telephone number, as a text"
    if field == "timezone" and (not isinstance(value, str) or zone(value) is None):
        return "is no time zone, such as Europe/Berlin"
    if deeper_than(value, DEEPEST - _ABOVE):
        return TOO_DEEP
    if len(json.dumps(value, ensure_ascii=False)) > LONGEST_VALUE:
        return f"has more than {LONGEST_VALUE:,} characters as JSON"
    return None
