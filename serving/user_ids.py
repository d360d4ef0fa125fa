"""The ids in the paths of requests: a user's own, or `anonymous:` and that of somebody unidentified."""

from features.events import ANONYMOUS_PREFIX, BadEvent, user_key
from features.values import text
from serving.errors import InvalidField


def ids_in(user_id: str) -> dict[str, str]:
    """Return the id as a message carries it."""
    if user_id.startswith(ANONYMOUS_PREFIX):
        return {"anonymousId": user_id.removeprefix(ANONYMOUS_PREFIX)}
    return {"userId": user_id}


def key_in(user_id: str) -> str:
    """Return the key under which the log knows such an id (InvalidField)."""
    ids = ids_in(user_id)
    try:
        return user_key(text(ids.get("userId"), "user_id"), text(ids.get("anonymousId"), "user_id"))
    except BadEvent as bad:
        raise InvalidField(f"user_id: {bad.reason}", field="user_id") from None
