"""The bodies of the hot routes as msgspec structs: what `contract` declares, decoded in a microsecond."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, TypeVar

from msgspec import DecodeError, Meta, Raw, Struct, ValidationError, convert
from msgspec.json import Decoder, Encoder

from features.json_text import DEEPEST, TOO_DEEP, deeper_than
from serving.errors import InvalidField, UnreadableBody
from serving.items import Contribution, Decided, ModelUsed
from serving.misfits import find_misfit, misfit_in, read_damaged
from serving.nesting import pruned

T = TypeVar("T")
Id = Annotated[str, Meta(max_length=256)] | int
Moment = Annotated[datetime, Meta(tz=True)]

_MISSING = re.compile(r"Object missing required field `(.*)`")
_PLACE = re.compile(r"^(?P<reason>.*?)(?: - at `\$\.?(?P<place>.*)`)?$", re.DOTALL)


class ScoreRequest(Struct):
    """Body of POST /v1/score. With an event's name as `event`, the body itself is the event."""

    user_id: Id | None = None
    anonymous_id: Id | None = None
    event: dict[str, Any] | str | None = None
    at: Moment | None = None
    explain: bool = False


class UserReference(Struct):
    """One user of a batch of scores."""

    user_id: Id | None = None
    anonymous_id: Id | None = None


class ScoreBatchRequest(Struct):
    """Body of POST /v1/score/batch."""

    users: list[UserReference]
    at: Moment | None = None
    explain: bool = False


class _WithEvent(Struct):
    event: Raw


class ScoreAnswer(Struct):
    """Answer of POST /v1/score."""

    user_id: str | None
    anonymous_id: str | None
    known: bool
    at: Moment
    intent: Mapping[str, float | None]
    send_hour: int | None
    send_at: Moment | None
    confidence: float | None
    personal: float | None
    models: Mapping[str, ModelUsed]
    policy_version: str
    decision_id: str | None
    duplicate: bool
    untracked: bool
    decisions: Sequence[Decided]
    explain: Mapping[str, Sequence[Contribution]] | None


class UserScore(Struct):
    """The scores of one user of a batch."""

    user_id: str | None
    anonymous_id: str | None
    known: bool
    untracked: bool
    intent: Mapping[str, float | None]
    send_hour: int | None
    send_at: Moment | None
    confidence: float | None
    personal: float | None
    decision_id: str | None
    explain: Mapping[str, Sequence[Contribution]] | None


class ScoreBatchAnswer(Struct):
    """Answer of POST /v1/score/batch: the users in the order of the request."""

    at: Moment
    models: Mapping[str, ModelUsed]
    policy_version: str
    scores: list[UserScore]


class EventBatch(Struct, rename={"sent_at": "sentAt"}):
    """Body of POST /v1/batch, its events still unread, so that one that is broken spoils no other."""

    batch: list[Raw]
    context: dict[str, Any] | None = None
    integrations: dict[str, Any] | None = None
    sent_at: Any = None


class KeyHolder(Struct, rename={"write_key": "writeKey"}):
    """The key that older SDKs send in the body."""

    write_key: str | None = None


class Rejected(Struct):
    """An event of a batch that was set aside."""

    index: int
    field: str
    reason: str


class EventsAnswer(Struct, omit_defaults=True):
    """Answer of the Segment routes; exactly `{"success": true}` unless events were set aside."""

    success: bool
    accepted: int | None = None
    rejected: list[Rejected] | None = None


encode = Encoder().encode
read_score = Decoder(ScoreRequest).decode
read_score_batch = Decoder(ScoreBatchRequest).decode
read_event_batch = Decoder(EventBatch).decode
read_key_holder = Decoder(KeyHolder).decode
read_object = Decoder(dict[str, Any]).decode
read_any = Decoder().decode


_read_event = Decoder(_WithEvent).decode


def event_size(body: bytes) -> int:
    """Return the bytes of the event in the body of POST /v1/score; of the whole body where that is the event."""
    event = memoryview(_read_event(body).event)
    return len(body) if event[0] == ord('"') else len(event)


def unreadable(error: Exception, body: bytes) -> Exception:
    """Return what a caller should read when msgspec could not decode their body.

    One of DecodeError, UnicodeDecodeError and RecursionError comes in; InvalidField (JSON of another shape, or with a
    value that cannot be kept) or UnreadableBody (not JSON) comes out.
    """
    if isinstance(error, DecodeError) and (misfit := find_misfit(body)) is not None:
        return InvalidField(f"{misfit.path}: {misfit.reason}", field=misfit.path)
    if isinstance(error, ValidationError):
        found = _PLACE.match(str(error))
        reason, place = (found["reason"], found["place"]) if found else (str(error), None)
        missing = _MISSING.match(reason)
        if missing:
            place, reason = f"{place}.{missing[1]}" if place else missing[1], "is required"
        return InvalidField(f"{place or 'body'}: {reason}", field=place or "body")
    if isinstance(error, RecursionError):
        return too_deep()
    if isinstance(error, UnicodeDecodeError):
        return UnreadableBody("The body is not UTF-8.")
    return UnreadableBody(f"The body is not JSON: {error}")


def read_damaged_batch(body: bytes) -> EventBatch:
    """Read a batch that `read_event_batch` could not, because of what one of its events holds.

    A browser that cuts a text within an emoji sends half a character, which is JSON but not Unicode: the event that
    holds it cannot be read, the others can; so it is with bytes that are no UTF-8 and with a control character that
    nobody escaped. One that is nested too deeply is cut, and as deep as is refused still.

    Raises:
        InvalidField: It is what the batch says of all its events that cannot be read.
        ValueError, RecursionError: As in the reading of any JSON.
    """
    batch = read_damaged(pruned(body))
    if isinstance(batch, dict) and isinstance(batch.get("batch"), list):
        batch["batch"] = [Raw(json.dumps(each).encode()) for each in batch["batch"]]
    found = convert(batch, EventBatch)
    for field, said in (("context", found.context), ("integrations", found.integrations)):
        if (misfit := misfit_in(said, field)) is not None:
            raise InvalidField(f"{misfit.path}: {misfit.reason}", field=misfit.path)
    return found


def size_of(value: dict[str, Any]) -> int:
    """Return how many bytes an object takes as JSON, whatever it holds."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


UNREADABLE = (DecodeError, UnicodeDecodeError, RecursionError)


def key_of(body: bytes) -> str | None:
    """Return the key that a body brings; what cannot be read of one of its events hides none.

    Raises:
        InvalidField, UnreadableBody: The body is nothing that could hold a key.
    """
    try:
        return read_key_holder(body).write_key
    except UNREADABLE as error:
        if not isinstance(error, ValidationError):
            with suppress(ValueError, RecursionError):
                return convert(read_damaged(pruned(body)), KeyHolder).write_key
        raise unreadable(error, body) from None


def too_deep(field: str | None = None) -> UnreadableBody:
    """Return what a body, or a field of it, nested beyond DEEPEST is refused with."""
    return UnreadableBody(f"{f'{field}:' if field else 'The body'} {TOO_DEEP}.", field=field)


def refuse_depth(body: bytes, value: object) -> None:
    """Raise UnreadableBody when `value`, read from `body`, is nested deeper than DEEPEST."""
    # Left out and measured: bytes.count looks at one byte at a time and takes twice as long.
    flat = body.replace(b"{", b"").replace(b"[", b"")
    if len(body) - len(flat) > DEEPEST and deeper_than(value, DEEPEST):
        raise too_deep()
