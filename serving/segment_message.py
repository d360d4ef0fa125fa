"""What a receiver gets when somebody enters or leaves a segment."""

from datetime import timedelta
from typing import Final

from features.events import ids_behind
from features.moments import iso
from policy.quantities import microseconds
from serving.members import Change
from serving.message import Message, encoded, message_id_of
from serving.people import Person

ENTERED: Final = "segment.entered"
LEFT: Final = "segment.left"
_LIFETIME_US: Final = microseconds(timedelta(days=1))


def announcement(change: Change, person: Person, *, endpoint: str, policy_version: str) -> Message:
    """Write the message of a change.

    Args:
        change: Who entered or left what, and when.
        person: Who it is.
        endpoint: Who is told.
        policy_version: Version of the policy whose segment it is.
    """
    user_id, anonymous_id = ids_behind(person.key)
    of = f"segment:{change.segment}.{change.at}.{change.user_no}"
    body = {
        "type": ENTERED if change.entered else LEFT,
        "timestamp": iso(change.at),
        "data": {
            "user_id": user_id,
            "anonymous_id": anonymous_id,
            "segment": change.segment,
            "cause": change.cause,
            "policy_version": policy_version,
        },
    }
    text = encoded(body).decode()
    return Message(message_id_of(of), of, endpoint, text, change.at, _LIFETIME_US, user_no=change.user_no)
