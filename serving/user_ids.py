"""The ids in the paths of requests: a user's own, or `anonymous:` and that of somebody unidentified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.events import ANONYMOUS_PREFIX, BadEvent, ids_behind, user_key
from features.values import text
from serving.errors import InvalidField

if TYPE_CHECKING:
    from serving.items import UserIds


def ids_in(user_id: str) -> dict[str, str]:
    """Return the id as a message carries it."""
    if user_id.startswith(ANONYMOUS_PREFIX):
        return {"anonymousId": user_id.removeprefix(ANONYMOUS_PREFIX)}
    return {"userId": user_id}


def known_as(user_id: str | None, anonymous_id: str | None) -> UserIds:
    """Return ids as the log knows them (InvalidField)."""
    try:
        ids = text(user_id, "user_id"), text(anonymous_id, "user_id")
        user_key(*ids)
    except BadEvent as bad:
        raise InvalidField(f"user_id: {bad.reason}", field="user_id") from None
    return ids


def named_by(user_id: str) -> UserIds:
    """Return the ids of which such an id is one, as the log knows them (InvalidField)."""
    return known_as(*ids_behind(user_id))


def key_in(user_id: str) -> str:
    """Return the key under which the log knows such an id (InvalidField)."""
    return user_key(*named_by(user_id))
