"""What an event says about whether its user may be written to: consent, opt-outs, addresses that are dead."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from features.events import Event
from features.kinds import Kind
from policy.guards import BOUNCED, CHANNELS, EVERY_CHANNEL, UNSUBSCRIBED
from serving.domains import in_ascii

COMPLAINED: Final = "complained"
LONGEST_ADDRESS: Final = 320
_MOST_PURPOSES: Final = 50
_LONGEST_PURPOSE: Final = 80
_OPT_OUTS: Final = {
    Kind.UNSUBSCRIBED: ("email", UNSUBSCRIBED),
    Kind.EMAIL_BOUNCED: ("email", BOUNCED),
    Kind.EMAIL_SPAM: ("email", COMPLAINED),
    Kind.PUSH_BOUNCED: ("push", BOUNCED),
}
_REFUSALS: Final = frozenset({"false", "no", "denied", "0"})
"""What a form, or a page's consent mode, makes of a no."""
_PASSING: Final = frozenset({"soft", "transient", "temporary"})
_ADDRESS_TRAITS: Final = ("email", "phone")
_TELLING: Final = {"consents", *_ADDRESS_TRAITS}

Consents = Mapping[tuple[str, str], bool]
"""(purpose, channel or `*`) -> whether it was granted."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one event teaches.

    Attributes:
        consents: What the user said.
        is_statement: Whether they said it now; else it is what their browser remembers, which overturns no refusal.
        addresses: The user's own.
        opt_out: Channel on which nothing may be sent any more, and why; None where there is none.
        target: The address that the opt-out is about; None where it does not say.
    """

    consents: Consents = field(default_factory=dict)
    is_statement: bool = False
    addresses: tuple[str, ...] = ()
    opt_out: tuple[str, str] | None = None
    target: str | None = None


def teaches(event: Event) -> bool:
    """Whether it is worth to look for a lesson in an event; asked of each one."""
    payload = event.payload
    if event.kind in _OPT_OUTS or ("traits" in payload and _TELLING & _block(payload, "traits").keys()):
        return True
    context = payload.get("context")
    return context is not None and ("consent" in context or "traits" in context)


def lesson_of(event: Event) -> Lesson:
    """Return what an event teaches; what it says in a shape that nobody can read teaches nothing."""
    context, traits = _block(event.payload, "context"), _block(event.payload, "traits")
    remembered = _preferences(_block(_block(context, "consent"), "categoryPreferences"))
    said = _preferences(_block(traits, "consents"))
    own = [_block(context, "traits"), traits]
    properties = _block(event.payload, "properties")
    opt_out = _OPT_OUTS.get(event.kind)
    if event.kind is Kind.UNSUBSCRIBED and properties.get("channel") in CHANNELS:
        opt_out = (properties["channel"], UNSUBSCRIBED)
    if opt_out is not None and str(properties.get("bounce_type", "")).lower() in _PASSING:
        opt_out = None
    return Lesson(
        consents={**remembered, **said},
        is_statement=event.kind is Kind.CONSENT_CHANGED or bool(said),
        addresses=tuple(dict.fromkeys(found for each in own for found in _addresses(each))),
        opt_out=opt_out,
        target=_target(opt_out[0], properties) if opt_out else None,
    )


def address(text: str) -> str | None:
    """Return an e-mail address or telephone number as it is compared; None if it can be neither."""
    text = text.strip()
    if "@" in text:
        return _mail_address(text) if len(text) <= LONGEST_ADDRESS else None
    number = "".join(each for each in text if each not in " -./()")
    digits = number.removeprefix("+")
    return number if digits.isascii() and digits.isdigit() and len(digits) <= 32 else None


def channel_of(address: str) -> str:
    """Return the channel on which an address, as it is compared, is reached."""
    return "email" if "@" in address else "sms"


def _mail_address(text: str) -> str:
    """Return an e-mail address with its domain in ASCII, as providers report it."""
    local, _, domain = text.rpartition("@")
    try:
        return f"{local.casefold()}@{in_ascii(domain)}"
    except ValueError:
        return text.casefold()


def preference(name: str) -> tuple[str, str] | None:
    """Read `marketing` or `marketing:sms`: a purpose, and its channel or `*`; None if it is neither."""
    purpose, _, channel = name.partition(":")
    purpose, channel = purpose.strip().casefold(), channel or EVERY_CHANNEL
    is_channel = channel == EVERY_CHANNEL or channel in CHANNELS
    return (purpose, channel) if 0 < len(purpose) <= _LONGEST_PURPOSE and is_channel else None


def _preferences(told: Mapping[str, Any]) -> dict[tuple[str, str], bool]:
    """Read `{"marketing": true, "marketing:sms": false}`, words on all channels first."""
    found: dict[tuple[str, str], bool] = {}
    for name, granted in list(told.items())[:_MOST_PURPOSES]:
        key, said = preference(name), _granted(granted)
        if key is not None and said is not None:
            found[key] = said
    return dict(sorted(found.items()))


def _granted(value: object) -> bool | None:
    """Return a yes or a no; None where it is neither. A no counts however it is written, a yes is `true` alone."""
    if isinstance(value, bool):
        return value
    return False if str(value).strip().casefold() in _REFUSALS else None


def _addresses(fields: Mapping[str, Any]) -> Iterator[str]:
    for name in _ADDRESS_TRAITS:
        text = fields.get(name)
        found = address(text) if isinstance(text, str) else None
        if found is not None:
            yield found


def _target(channel: str, properties: Mapping[str, Any]) -> str | None:
    """Return the address that an opt-out from a channel names; a number says nothing of e-mail, nor the reverse."""
    is_any = channel not in {"email", "sms"}
    return next((each for each in _addresses(properties) if is_any or channel_of(each) == channel), None)


def _block(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = fields.get(name)
    return found if isinstance(found, Mapping) else {}
