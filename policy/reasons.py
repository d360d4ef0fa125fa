"""Why a decision came out as it did: one enumerated word each, and the sentence a person reads."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Action(StrEnum):
    """What a decision does: send a message, withhold it for the comparison, or hold it back."""

    SEND = "send"
    CONTROL = "control"
    HOLD = "hold"


class Reason(StrEnum):
    """The word in the ledger. Stored: never rename one."""

    SENT = "sent"
    CONTROL = "control"
    BELOW_THRESHOLD = "below_threshold"
    COOLING_DOWN = "cooling_down"
    STALE_EVENT = "stale_event"
    EXCLUDED_USER = "excluded_user"
    NO_SCORE = "no_score"
    DRY_RUN = "dry_run"
    NO_CONSENT = "no_consent"
    SUPPRESSED = "suppressed"
    CAPPED = "capped"
    QUIET_HOURS = "quiet_hours"
    UNKNOWN_ZONE = "unknown_zone"
    BOUGHT_RECENTLY = "bought_recently"
    STILL_BROWSING = "still_browsing"
    CONDITION_NOT_MET = "condition_not_met"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    POLICY_CHANGED = "policy_changed"
    PUT_OFF = "put_off"
    EXITED = "exited"
    NO_CODE = "no_code"

    @property
    def sentence(self) -> str:
        """The reason in plain words, for whoever asks why somebody got nothing."""
        return SENTENCES[self]


FIRED: Final = frozenset({Reason.SENT, Reason.CONTROL, Reason.DRY_RUN})
"""The reasons after which a trigger cools down: whether the message was sent or withheld makes no difference."""

SENTENCES: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.SENT: (
            "The score reached the threshold, or chance overruled it, and no guard objected, "
            "so the message went to the outbox."
        ),
        Reason.CONTROL: (
            "Everything spoke for sending, but this user is in the hold-out: nothing is sent, "
            "so that the effect of sending can be measured."
        ),
        Reason.BELOW_THRESHOLD: "The score was below the trigger's threshold.",
        Reason.COOLING_DOWN: "The trigger fired for this user a short while ago and is still cooling down.",
        Reason.STALE_EVENT: "The event arrived so long after it happened that a message would come too late.",
        Reason.EXCLUDED_USER: "The user is marked as a bot, as staff or as a test user, and gets no messages.",
        Reason.NO_SCORE: "There was no score for the trigger's horizon: no model for it is in service.",
        Reason.DRY_RUN: (
            "Everything spoke for sending, but the trigger is in dry run, or for test users only and this is none: "
            "it decides and sends nothing."
        ),
        Reason.NO_CONSENT: "The user did not consent to messages of this purpose on this channel, or took it back.",
        Reason.SUPPRESSED: (
            "The user or one of their addresses is on the suppression list: unsubscribed, bounced, complained, "
            "or put there by hand."
        ),
        Reason.CAPPED: "The user got as many messages as the trigger's frequency caps allow, or was due to.",
        Reason.QUIET_HOURS: "It was within the quiet hours where the user lives.",
        Reason.UNKNOWN_ZONE: "It is not known when the user's quiet hours are, and the trigger holds in that case.",
        Reason.BOUGHT_RECENTLY: "The user ordered a short while ago, and the trigger leaves buyers in peace.",
        Reason.CONDITION_NOT_MET: "What the trigger asks for under `when` was not so.",
        Reason.CANCELLED: "Something happened that made the waiting pointless, such as an order.",
        Reason.EXPIRED: "The moment at which the trigger was to decide had passed too long ago.",
        Reason.POLICY_CHANGED: "The policy file changed: the trigger was taken out of it, or is no longer live.",
        Reason.PUT_OFF: "Everything but the moment spoke for sending; the trigger asks again at a better one.",
        Reason.EXITED: "What the trigger names under `exit_when` was so, and the sequence is over.",
        Reason.NO_CODE: "The message was to carry a code, the pool had none left, and without one it is not sent.",
        Reason.STILL_BROWSING: "The user was still visiting, and the trigger waits until a visit is over.",
    }
)
