"""What comes back from a message through its own links, as events: opened, clicked, unsubscribed."""

from collections.abc import Mapping
from hashlib import blake2b
from secrets import token_hex
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from features.mapping import EventMapping
from features.moments import SECOND_US
from serving.driver import driver
from serving.scanners import TOO_FAST_US
from serving.tokens import OptOut
from serving.user_ids import ids_in

MINUTE_US: Final = 60_000_000
_FIND: Final = """
SELECT coalesce(m.user_key, u.user_key), o.trigger_decision_id,
    CASE WHEN o.delivered_at IS NULL THEN NULL WHEN ? THEN o.due_at ELSE o.delivered_at END
FROM outbox o JOIN users u ON u.user_no = o.user_no LEFT JOIN users m ON m.user_no = u.merged_into
WHERE o.message_id = ?
"""
_FETCHED_AHEAD: Final = (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")


class Sent(NamedTuple):
    """A message that went out: whose it is, which decision wanted it, when it was delivered (µs).

    On the wall's clock; in a replay on that of the events, on which it was delivered when it was due.
    """

    message_id: str
    user_key: str
    decision_id: str
    delivered_at: int | None


def sent(connection: Connection, message_id: str, *, replay: bool = False) -> Sent | None:
    """Return a message as the outbox has it; None once it was erased or forgotten, or where it is nobody's."""
    row = driver(connection).execute(_FIND, (replay, message_id)).fetchone()
    return None if row is None else Sent(message_id, *row)


def is_machine(headers: Mapping[bytes, bytes], mapping: EventMapping) -> bool:
    """Whether a request was made ahead of anybody who asked for it: by a scanner, a robot or a browser's prefetch."""
    if any(headers.get(each, b"").startswith((b"prefetch", b"preview")) for each in _FETCHED_AHEAD):
        return True
    agent = headers.get(b"user-agent", b"").decode("latin-1").strip()
    return not agent or any(mapping.agent(agent[:4096]))


def is_too_soon(message: Sent, *, at: int) -> bool:
    """Whether nobody can have read a message by a moment of the same clock, in microseconds."""
    return message.delivered_at is None or at - message.delivered_at < TOO_FAST_US


def opened(message: Sent, *, machine: bool, at: int) -> dict[str, Any]:
    """Return the call that says a message was opened; of one minute (µs), one."""
    return _reaction("Email Opened", message, f"{at // MINUTE_US}", machine=machine)


def clicked(message: Sent, url: str, *, machine: bool, at: int) -> dict[str, Any]:
    """Return the call that says a link of a message was followed; of one link and minute (µs), one."""
    link = blake2b(url.encode(), digest_size=6).hexdigest()
    return _reaction("Email Link Clicked", message, f"{link} {at // MINUTE_US}", machine=machine, url=url)


def trapped(message: Sent, trap: str, *, at: int) -> dict[str, Any]:
    """Return the call that says a link was followed which nobody sees; of one such link and second (µs), one."""
    return _reaction("Email Link Clicked", message, f"{trap} {at // SECOND_US}", machine=True, trap=trap)


def unsubscribed(asked: OptOut, channel: str, message: Sent | None) -> dict[str, Any]:
    """Return the call that says somebody wants nothing more on a channel, nor what the link is about."""
    decision = {} if message is None else {"decision_id": message.decision_id}
    return {
        "type": "track",
        "event": "Unsubscribed",
        **_said_now(asked),
        "properties": {**decision, "message_id": asked.message_id, "channel": channel, "purpose": asked.purpose},
        "traits": {"consents": {f"{asked.purpose}:{channel}": False}},
    }


def said(asked: OptOut, consents: Mapping[str, bool]) -> dict[str, Any]:
    """Return the call that says what somebody chose."""
    return {
        "type": "track",
        "event": "Segment Consent Preference Updated",
        **_said_now(asked),
        "context": {"consent": {"categoryPreferences": dict(consents)}},
    }


def _said_now(asked: OptOut) -> dict[str, str]:
    # Whoever came back may go again: the same words are then another event.
    return {**ids_in(asked.user_key), "messageId": f"link {token_hex(16)}"}


def _reaction(name: str, message: Sent, once: str, *, machine: bool, **properties: str) -> dict[str, Any]:
    return {
        "type": "track",
        "event": name,
        **ids_in(message.user_key),
        # Whoever reloads, or a machine beside a person, is told apart; a flood is not kept.
        "messageId": f"{name} {message.message_id} {once} {'m' if machine else 'p'}"[:100],
        "properties": {
            "decision_id": message.decision_id,
            "message_id": message.message_id,
            "machine": machine,
            **properties,
        },
    }
