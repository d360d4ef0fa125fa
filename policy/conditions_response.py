"""A condition on what the person did with the last message of a sequence."""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Final, Literal

from pydantic import Field

from features.kinds import NAMES, Kind
from policy.block import Block
from policy.view import Reads, Seen, SentMessage, View

RESPONSES: Final[Mapping[str, tuple[Kind, ...]]] = MappingProxyType(
    {
        "delivered": (Kind.EMAIL_DELIVERED, Kind.PUSH_RECEIVED, Kind.SMS_DELIVERED),
        "opened": (Kind.EMAIL_OPENED,),
        "clicked": (Kind.EMAIL_CLICKED, Kind.SMS_CLICKED),
        "tapped": (Kind.PUSH_TAPPED,),
        "bounced": (Kind.EMAIL_BOUNCED, Kind.PUSH_BOUNCED, Kind.SMS_FAILED),
    }
)
"""What can become of a message -> the kinds of events that say so."""


class ResponseTest(Block):
    """What must have become of the last message."""

    what: Literal["delivered", "opened", "clicked", "tapped", "bounced"] = Field(
        alias="is", description="What must have become of it: `opened`, say, by an event that names the message."
    )

    def holds(self, view: View) -> bool:
        """Whether an event says so of that message, by its `decision_id` or `message_id`."""
        message = view.message
        if message is None:
            return False
        told = (seen for kind in RESPONSES[self.what] for seen in view.recent(int(kind), message.at))
        return any(_is_of(message, each) for each in told)

    def sentence(self) -> str:
        """Return the condition in words."""
        return f"the last message was {self.what}"

    @cached_property
    def reads(self) -> Reads:
        """What happened since that message."""
        events = frozenset(NAMES[each] for each in RESPONSES[self.what])
        return Reads(since_event=True, asking=True, message=True, events=events)


def _is_of(message: SentMessage, seen: Seen) -> bool:
    said = seen.properties
    return said.get("decision_id") == message.decision_id or said.get("message_id") in message.message_ids
