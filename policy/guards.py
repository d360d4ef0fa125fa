"""What keeps a message from a person although the numbers speak for it: guards, and the facts that they look at.

Asked in this order, the first objection is the reason: what bars somebody altogether (suppression, consent), then what
makes this moment the wrong one (a purchase just made, a visit under way, caps, quiet hours).
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Final, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from msgspec import Struct
from pydantic import Field

from features.activity import SESSION_GAP
from features.moments import zone as zone_of
from policy.block import Block
from policy.caps import Cap, Sent
from policy.hours import QuietHours, is_within, next_end
from policy.quantities import Duration, microseconds
from policy.reasons import Reason

Channel = Literal["webhook", "email", "sms", "push"]
MessageClass = Literal["marketing", "transactional"]
CHANNELS: Final[tuple[str, ...]] = get_args(Channel)
EVERY_CHANNEL: Final = "*"
SESSION_GAP_US: Final = microseconds(SESSION_GAP)
TRANSACTIONAL: Final = "transactional"
UNSUBSCRIBED: Final = "unsubscribed"
"""The one reason for suppression that is about marketing only; all others mean that the address is dead or unwanted."""
BOUNCED: Final = "bounced"
"""The one that is about an address, and not about whose it is."""
_OWN_TERMS: Final = frozenset({"email", "sms", "push"})
_NO_CONSENT, _SUPPRESSED, _CAPPED = Reason.NO_CONSENT, Reason.SUPPRESSED, Reason.CAPPED


class Consent(StrEnum):
    """On what basis a message may be sent."""

    OPT_IN = "opt_in"
    LEGITIMATE_INTEREST = "legitimate_interest"
    NONE = "none"


class Guards(Block):
    """What must not stand against a message of a trigger."""

    consent: Consent | None = Field(
        default=None,
        description=(
            "`opt_in`: the person said yes; `legitimate_interest`: the person did not say no; `none`: not asked for. "
            "Default: `opt_in` for email, sms and push, `none` for a webhook, whose receiver asks."
        ),
    )
    purpose: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=80)] = Field(
        default="marketing", description="What the consent must be for."
    )
    cap: Cap | None = Field(default=None, description="Most messages to one person, of all triggers and channels.")
    cap_per_channel: Cap | None = Field(default=None, description="Most messages to one person on this channel.")
    cap_per_trigger: Cap | None = Field(default=None, description="Most messages of this trigger to one person.")
    quiet_hours: QuietHours | None = Field(default=None, description="When the person is left in peace.")
    gap_after_purchase: Duration | None = Field(
        default=None, description="Stay silent for so long after an order of the person."
    )
    not_while_browsing: bool = Field(
        default=False, description="Wait until the visit is over: nothing happened for 30 minutes."
    )

    @cached_property
    def caps(self) -> tuple[Cap, ...]:
        """All caps that are set."""
        return tuple(each for each in (self.cap, self.cap_per_channel, self.cap_per_trigger) if each is not None)

    @cached_property
    def forbid_moments(self) -> bool:
        """Whether any of them is about the moment rather than the person."""
        return bool(self.caps or self.quiet_hours or self.gap_us or self.not_while_browsing)

    @cached_property
    def longest_cap_us(self) -> int:
        """The longest window of a cap in microseconds; 0 where there is none."""
        return max((each.window_us for each in self.caps), default=0)

    @cached_property
    def gap_us(self) -> int:
        """The silence after a purchase in microseconds; 0 where there is none."""
        return microseconds(self.gap_after_purchase) if self.gap_after_purchase is not None else 0

    def asks_for(self, channel: str) -> Consent:
        """Return the basis on which messages of a channel are sent."""
        if self.consent is not None:
            return self.consent
        return Consent.OPT_IN if channel in _OWN_TERMS else Consent.NONE


class Given(NamedTuple):
    """A yes or no: when it was given, in microseconds, and by what kind of event."""

    granted: bool
    at: int
    source: str


class Standing(Struct):
    """What guards look at: the facts of one person under all their ids.

    Attributes:
        consents: (purpose, channel, or `*` for all) -> the latest word on it; absent where nothing was said.
        suppressed: Channel, or `*` for all -> why nothing may be sent there.
        sends: What was sent or withheld lately, in any order.
        last_order_at: When they last ordered, in microseconds; None if not lately.
        last_event_at: When they were last seen, in microseconds; None if never.
        timezone: IANA name; None where it is not known.
        shop_zone: IANA name of the shop's zone.
    """

    consents: Mapping[tuple[str, str], Given] = {}
    suppressed: Mapping[str, str] = {}
    sends: Iterable[Sent] = ()
    last_order_at: int | None = None
    last_event_at: int | None = None
    timezone: str | None = None
    shop_zone: str = "UTC"


def bar(guards: Guards, standing: Standing, *, channel: str, message_class: str) -> Reason | None:
    """Return why nothing may be sent to this person on a channel at any time: suppression, then consent."""
    if suppression(standing, channel, message_class) is not None:
        return _SUPPRESSED
    if message_class == TRANSACTIONAL:
        return None
    basis = guards.asks_for(channel)
    return None if basis is Consent.NONE or suffices(basis, word(standing, guards.purpose, channel)) else _NO_CONSENT


def hindrance(guards: Guards, standing: Standing, *, channel: str, trigger: str, at: int) -> Reason | None:
    """Return why this moment is a wrong one: a purchase, a visit, caps, quiet hours, in this order."""
    if bought_recently(guards, standing, at):
        return Reason.BOUGHT_RECENTLY
    if guards.not_while_browsing and is_browsing(standing, at):
        return Reason.STILL_BROWSING
    if any(cap.is_used_up(sends, at) for _, cap, sends in counted(guards, standing, channel, trigger)):
        return _CAPPED
    quiet = guards.quiet_hours
    return disturbance(quiet, quiet_zone(quiet, standing), at) if quiet else None


def calm_from(guards: Guards, standing: Standing, *, channel: str, trigger: str, at: int) -> int:
    """Return the first moment from `at` on, in microseconds, that is no wrong one but for quiet hours.

    It is taken that nothing more is ordered, seen or sent until then; what is over stays over.
    """
    moment = at
    if standing.last_order_at is not None and guards.gap_us:
        moment = max(moment, standing.last_order_at + guards.gap_us)
    if standing.last_event_at is not None and guards.not_while_browsing:
        moment = max(moment, standing.last_event_at + SESSION_GAP_US)
    return max(
        (cap.free_from(sends, moment) for _, cap, sends in counted(guards, standing, channel, trigger)), default=moment
    )


def zone_for(guards: Guards, standing: Standing) -> ZoneInfo | None:
    """Return the zone of the person's day; where it is not known, what quiet hours say, and without any the shop's."""
    if guards.quiet_hours is not None:
        return quiet_zone(guards.quiet_hours, standing)
    own = zone_of(standing.timezone) if standing.timezone is not None else None
    return own or zone_of(standing.shop_zone)


def next_allowed(guards: Guards, standing: Standing, at: int) -> int | None:
    """Return the first moment from `at` on, in microseconds, outside the person's quiet hours.

    None where their zone is not known and the policy is to hold.
    """
    quiet = guards.quiet_hours
    if quiet is None:
        return at
    zone = quiet_zone(quiet, standing)
    return next_end(at, quiet.start, quiet.end, zone) if zone else None


def suppression(standing: Standing, channel: str, message_class: str) -> str | None:
    """Return why nothing may be sent on a channel, or None; that somebody unsubscribed is about marketing only.

    What a webhook's receiver sends is not known, so it is covered by any channel. Of several reasons the gravest.
    """
    if not standing.suppressed:
        return None
    among = standing.suppressed if channel == "webhook" else (channel, EVERY_CHANNEL)
    reasons = {standing.suppressed[each] for each in among if each in standing.suppressed}
    if message_class == TRANSACTIONAL:
        reasons.discard(UNSUBSCRIBED)
    return min(reasons, key=_gravity, default=None)


def _gravity(reason: str) -> tuple[bool, str]:
    return reason == UNSUBSCRIBED, reason


def word(standing: Standing, purpose: str, channel: str) -> Given | None:
    """Return what the person said of a purpose; of a channel rather than of all, and of any for a webhook.

    Of several words the first refusal counts, and where there is none the earliest.
    """
    if channel == "webhook":
        said = (given for (of, _), given in standing.consents.items() if of == purpose)
        return min(said, default=None)
    own = standing.consents.get((purpose, channel))
    return standing.consents.get((purpose, EVERY_CHANNEL)) if own is None else own


def suffices(basis: Consent, said: Given | None) -> bool:
    """Whether what a person said, or did not say, is enough for a basis."""
    return said.granted if said is not None else basis is not Consent.OPT_IN


def bought_recently(guards: Guards, standing: Standing, at: int) -> bool:
    """Whether the person ordered within the silence after a purchase."""
    return standing.last_order_at is not None and at - standing.last_order_at < guards.gap_us


def is_browsing(standing: Standing, at: int) -> bool:
    """Whether the person is on a visit at a moment in microseconds."""
    return standing.last_event_at is not None and at - standing.last_event_at < SESSION_GAP_US


def counted(
    guards: Guards, standing: Standing, channel: str, trigger: str
) -> Iterator[tuple[str, Cap, Iterable[Sent]]]:
    """Yield each cap, by the name of its field, with the messages that it counts."""
    sends = standing.sends
    if guards.cap:
        yield "cap", guards.cap, sends
    if guards.cap_per_channel:
        yield "cap_per_channel", guards.cap_per_channel, [each for each in sends if each.channel == channel]
    if guards.cap_per_trigger:
        yield "cap_per_trigger", guards.cap_per_trigger, [each for each in sends if each.trigger == trigger]


def disturbance(quiet: QuietHours, zone: ZoneInfo | None, at: int) -> Reason | None:
    """Return why a moment is not known to be outside the quiet hours of somebody who lives in a zone, or None."""
    if zone is None:
        return Reason.UNKNOWN_ZONE
    return Reason.QUIET_HOURS if is_within(at, quiet.start, quiet.end, zone) else None


def quiet_zone(quiet: QuietHours, standing: Standing) -> ZoneInfo | None:
    """Return the zone of somebody's quiet hours; None where it is not known and the policy is to hold."""
    other = {"assume": quiet.zone, "shop_zone": standing.shop_zone}.get(quiet.unknown_zone)
    # One that was known once may be none to this machine.
    own = zone_of(standing.timezone) if standing.timezone is not None else None
    return own or (zone_of(other) if other else None)
