"""Why a decision came out as it did: one enumerated word each, and the sentence a person reads."""

from enum import StrEnum


class Action(StrEnum):
    """What a decision does: send a message, withhold it for the comparison, or hold it back."""

    SEND = "send"
    CONTROL = "control"
    HOLD = "hold"


class Reason(StrEnum):
    """The word in the ledger; `sentence` says it plainly. Stored: never rename one."""

    sentence: str

    def __new__(cls, word: str, sentence: str) -> "Reason":
        reason = str.__new__(cls, word)
        reason._value_ = word
        reason.sentence = sentence
        return reason

    SENT = "sent", "The score reached the threshold and no guard objected, so the message was handed to the outbox."
    CONTROL = (
        "control",
        "Everything spoke for sending, but this user is in the hold-out: nothing is sent, so that the effect of sending can be measured.",
    )
    BELOW_THRESHOLD = "below_threshold", "The score was below the trigger's threshold."
    COOLING_DOWN = "cooling_down", "The trigger fired for this user a short while ago and is still cooling down."
    STALE_EVENT = "stale_event", "The event arrived so long after it happened that a message would come too late."
    EXCLUDED_USER = "excluded_user", "The user is marked as a bot, as staff or as a test user, and gets no messages."
    NO_SCORE = "no_score", "There was no score for the trigger's horizon: no model for it is in service."
    DRY_RUN = (
        "dry_run",
        "Everything spoke for sending, but the trigger is in dry run: it decides and logs, and sends nothing.",
    )


FIRED = frozenset({Reason.SENT, Reason.CONTROL, Reason.DRY_RUN})
"""The reasons after which a trigger cools down: whether the message was sent or withheld makes no difference."""
