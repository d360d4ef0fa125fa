"""The requests of the benchmark, as bytes ready to send: templates filled with a user and a message id each."""

import itertools
import json
import random
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

# Place-holders as long as what replaces them, so that Content-Length is known beforehand.
USER, MESSAGE = "@USER--@", "@MESSAGE-ID-20----@@"

EVENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Product Viewed", {"product_id": "p-17", "category": "shoes", "price": 59.9}),
    ("Product Viewed", {"product_id": "p-42", "category": "bags", "price": 129.0}),
    ("Product Added", {"cart_id": "c-1", "product_id": "p-17", "category": "shoes", "price": 59.9, "quantity": 1}),
    ("Products Searched", {"query": "red shoes, size 40"}),
)


class Recipe(msgspec.Struct, frozen=True):
    """What to ask: one of the `bodies` in turn by POST, or a GET without any, for users drawn from so many."""

    path: str
    key: str = ""
    bodies: tuple[str, ...] = ()
    users: int = 100_000


def user_name(number: int) -> str:
    """Return the id of a synthetic user; all have the same length below ten million."""
    return f"u{number:07d}"


def score() -> tuple[str, ...]:
    """Ask for a user's intent."""
    return (json.dumps({"user_id": USER}),)


def event_with_score() -> tuple[str, ...]:
    """Tell one event of a user and ask for the intent right after it."""
    return tuple(json.dumps({"user_id": USER, "event": event}) for event in _events(len(EVENTS)))


def segment_batch(size: int) -> tuple[str, ...]:
    """Tell a batch of events of as many users, as the Segment SDKs do."""
    items = [{"type": "track", "userId": USER, **event} for event in _events(size)]
    return (json.dumps({"batch": items, "sentAt": _now()}),)


def request_source(recipe: Recipe, seed: int) -> Callable[[], bytes]:
    """Return a function whose every call gives the next request: another user, and message ids never given before."""
    templates = itertools.cycle([_compiled(recipe, body) for body in recipe.bodies or ("",)])
    drawn = random.Random(seed)
    users = itertools.cycle([user_name(drawn.randrange(recipe.users)).encode() for _ in range(100_000)])
    # Random by run, whatever the seed: a repeated message would be a duplicate, and cost the server next to nothing.
    run, numbers = secrets.token_hex(5).encode(), itertools.count()

    def following() -> bytes:
        template, slots = next(templates)
        return template % tuple([next(users) if slot == USER else b"%s%010d" % (run, next(numbers)) for slot in slots])

    return following


def _compiled(recipe: Recipe, body: str) -> tuple[bytes, Sequence[str]]:
    head = (
        f"{'POST' if body else 'GET'} {recipe.path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {recipe.key}\r\n"
    )
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n"
    text = f"{head}\r\n{body}"
    places = sorted((at, slot) for slot in (USER, MESSAGE) for at in _occurrences(text, slot))
    template = text.replace("%", "%%").replace(USER, "%b").replace(MESSAGE, "%b")
    return template.encode(), [slot for _, slot in places]


def _occurrences(text: str, slot: str) -> list[int]:
    pieces = text.split(slot)[:-1]
    return list(itertools.accumulate(len(piece) + len(slot) for piece in pieces))


def _events(count: int) -> list[dict[str, Any]]:
    context = {"timezone": "Europe/Amsterdam", "library": {"name": "analytics-python", "version": "2.3.4"}}
    return [
        {"event": name, "messageId": MESSAGE, "timestamp": _now(), "properties": properties, "context": context}
        for name, properties in itertools.islice(itertools.cycle(EVENTS), count)
    ]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
