"""What guards said, as the ledger and the outbox keep it: a short JSON text, and nothing where no guard was asked."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from policy.findings import Finding
from policy.reasons import Reason

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(list[list[Any]]).decode


def pack(found: Sequence[Finding]) -> str | None:
    """Return findings as text, each as a list of guard, channel, objection and facts; None where there are none."""
    if not found:
        return None
    return _encode([(each.guard, each.channel, each.objection, *each.facts) for each in found]).decode()


def unpack(text: str | None) -> tuple[Finding, ...]:
    """Return the findings of a text that `pack` made."""
    return tuple(_finding(*each) for each in _decode(text)) if text else ()


def _finding(guard: str, channel: str | None, objection: str | None, *facts: Any) -> Finding:
    return Finding(guard, channel, None if objection is None else Reason(objection), facts)
