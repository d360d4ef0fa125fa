"""What a receiver gets: the Standard Webhooks body of a fired trigger, and the id it can de-duplicate by."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from features.events import Event
from policy.decide import Verdict
from policy.guards import CHANNELS
from policy.runs import Run
from policy.triggers import Trigger
from serving.codes import Code

LARGEST_BODY: Final = 20_000
"""Bytes; the specification asks for less than 20 kB."""

EVENT_TYPE: Final = "trigger.fired"


@dataclass(frozen=True, slots=True)
class Message:
    """One message on its way.

    Attributes:
        message_id: Derived from the decision, so the same on every retry, restart and repetition.
        trigger_decision_id: The decision that wants it sent.
        endpoint: Name of the endpoint it goes to.
        body: The exact text that is sent and signed.
        due_at: When it should go out, in microseconds on the clock of the events.
        lifetime_us: How long it may wait for its first attempt; None for any time.
        user_no: Whose it is; None for a message about nobody.
        trigger: Name of the trigger whose guards are asked again when it goes out; None where there are none to ask.
        channel: How it goes out.
    """

    message_id: str
    trigger_decision_id: str
    endpoint: str
    body: str
    due_at: int
    lifetime_us: int | None = None
    user_no: int | None = None
    trigger: str | None = None
    channel: str = "webhook"


def message_id_of(trigger_decision_id: str, channel: str | None = None) -> str:
    """Return the id of a decision's message, or of its second, third, … one, which goes out on a channel of its own.

    It is without the full stops that separate the parts of what is signed.
    """
    said = trigger_decision_id if channel is None else f"{trigger_decision_id} {channel}"
    return f"msg_{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def message_ids_of(trigger_decision_id: str) -> frozenset[str]:
    """Return every id that a message of a decision may have."""
    return frozenset(message_id_of(trigger_decision_id, each) for each in (None, *CHANNELS))


def compose(
    trigger: Trigger,
    verdict: Verdict,
    event: Event,
    run: Run,
    *,
    channel: str,
    trigger_decision_id: str,
    user_no: int,
    at: int,
    model_version: str | None,
    policy_version: str,
    code: Code | None = None,
) -> Message:
    """Write the message of a decision to send, on one of its channels.

    Args:
        trigger: The trigger that fired.
        verdict: What it decided.
        event: What the user did; its properties are left out where they would make the body too large.
        run: Where the trigger stood.
        channel: On which channel it goes out.
        trigger_decision_id: The decision's id; comes back with every report about this message.
        user_no: Whose message it is, by number in the log.
        at: Moment of the decision in microseconds; also the moment the message is due.
        model_version: Name and version of the model behind the score.
        policy_version: Version of the policy behind the decision.
        code: The code that it carries; without one it does not speak of any.
    """
    if verdict.route is None:
        raise AssertionError(f"trigger {trigger.name}: a message without a route")
    data = {
        "user_id": event.user_id,
        "anonymous_id": event.anonymous_id,
        "trigger": trigger.name,
        "experiment": trigger.experiment_name,
        "step": run.step,
        "channel": channel,
        "content": verdict.route.content,
        "decision_id": trigger_decision_id,
        "score": verdict.score,
        "threshold": verdict.threshold,
        "horizon": trigger.horizon,
        "model_version": model_version,
        "policy_version": policy_version,
        "event": {
            "name": event.name,
            "message_id": event.message_id,
            "occurred_at": _moment(event.occurred_at),
            "properties": json.loads(event.payload_json).get("properties", {}),
        },
        **(code.told() if code is not None else {}),
    }
    return Message(
        message_id_of(trigger_decision_id, None if channel == verdict.channels[0] else channel),
        trigger_decision_id,
        verdict.route.endpoint,
        _body(at, data),
        at,
        trigger.expires_after_us if run.is_due else trigger.max_event_age_us,
        user_no,
        trigger.name,
        channel,
    )


def _body(at: int, data: dict[str, Any]) -> str:
    envelope = {"type": EVENT_TYPE, "timestamp": _moment(at), "data": data}
    body = encoded(envelope)
    if len(body) >= LARGEST_BODY:
        data["event"]["properties"] = None
        body = encoded(envelope)
    return body.decode()


def encoded(envelope: dict[str, Any]) -> bytes:
    """Return the body of a webhook as it is sent and signed."""
    # Half a surrogate pair in an id is no reason to lose the message.
    text = json.dumps(envelope, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _moment(at: int) -> str:
    seconds, microsecond = divmod(at, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microsecond, tzinfo=None).isoformat() + "Z"
