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

    @property
    def sentence(self) -> str:
        """The reason in plain words, for whoever asks why somebody got nothing."""
        return SENTENCES[self]


FIRED: Final = frozenset({Reason.SENT, Reason.CONTROL, Reason.DRY_RUN})
"""The reasons after which a trigger cools down: whether the message was sent or withheld makes no difference."""

SENTENCES: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.SENT: "The score reached the threshold and no guard objected, so the message went to the outbox.",
        Reason.CONTROL: (
            "Everything spoke for sending, but this user is in the hold-out: nothing is sent, "
            "so that the effect of sending can be measured."
        ),
        Reason.BELOW_THRESHOLD: "The score was below the trigger's threshold.",
        Reason.COOLING_DOWN: "The trigger fired for this user a short while ago and is still cooling down.",
        Reason.STALE_EVENT: "The event arrived so long after it happened that a message would come too late.",
        Reason.EXCLUDED_USER: "The user is marked as a bot, as staff or as a test user, and gets no messages.",
        Reason.NO_SCORE: "There was no score for the trigger's horizon: no model for it is in service.",
        Reason.DRY_RUN: "Everything spoke for sending, but the trigger is in dry run: it decides and sends nothing.",
    }
)
