"""Scores, segments and decisions to a webhook endpoint: signed messages of up to 20 kB, one after the other.

Nothing waits in the outbox, so that there is nothing to erase from it; instead it is written down how far an endpoint
has got, and the next push goes on there.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from features.moments import iso
from policy.places import FileRefused
from serving.channels import configured
from serving.claims import Claim
from serving.clock import wall
from serving.courier import Connections, attempt, open_connections
from serving.database import for_writing
from serving.driver import driver
from serving.endpoints import Webhook
from serving.extracts import END_US, read
from serving.facts import fact, set_fact
from serving.message import LARGEST_BODY, encoded
from serving.retry import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine as Database

    from serving.extracts import Extract
    from serving.outbox import Attempt
    from serving.settings import Settings

PAUSES_S: Final = (0.0, 5.0, 30.0)
"""Before the first, second and third attempt; whoever says how long to wait is waited for a minute at most."""
_LONGEST_PAUSE_S: Final = 60.0
_TIMEOUT_S: Final = 15.0
_SETTLED_US: Final = 10_000_000
"""What is younger is left for the next time: a sample of plain scores is written down with a delay."""
_NOTE_EVERY: Final = 20
Row = tuple[str, dict[str, Any]]


class PushRefused(Exception):
    """What was to be sent could not be: where it stopped, and why."""


class Pushed(NamedTuple):
    """How much was sent."""

    messages: int
    rows: int


class _Page(NamedTuple):
    """The rows of one message, and what the next one comes after."""

    message_id: str
    body: str
    rows: int
    until: str


def push(
    database: Database, settings: Settings, extract: Extract, endpoint: str, *, first: int = 0, end: int = END_US
) -> Pushed:
    """Send what an endpoint does not have yet; of a table that does not only grow, all of it.

    Args:
        database: Of the ledger.
        settings: Where the endpoint is configured.
        extract: Which table.
        endpoint: The name of an endpoint of type `webhook`.
        first: From which moment on, in microseconds; never what was sent before.
        end: Until which.

    Raises:
        PushRefused: There is no such endpoint, or it did not take a message. What it took is written down.
    """
    if not extract.is_narrow:
        raise PushRefused(f"{extract.name} are written to files only: one of them may be larger than a message")
    try:
        found = configured(settings, os.environ).endpoints.get(endpoint)
    except (ValueError, FileRefused) as error:
        raise PushRefused(str(error)) from error
    if not isinstance(found, Webhook):
        raise PushRefused(f"there is no endpoint of type webhook named {endpoint}")
    # A message is about rows that nobody changes any more.
    settled = min(end, wall() - _SETTLED_US) if extract.grows else end
    return asyncio.run(_push(database, extract, found, first, settled))


async def _push(database: Database, extract: Extract, endpoint: Webhook, first: int, end: int) -> Pushed:
    mark = f"pushed:{extract.name}:{endpoint.name}"
    after = _got_to(database, mark) if extract.grows else None
    messages, rows, until = 0, 0, after
    pages = _pages(
        extract, (row for page in read(database, extract, first=first, end=end, after=after) for row in page)
    )
    async with open_connections(timeout_s=_TIMEOUT_S) as connections:
        try:
            for page in pages:
                await _deliver(connections, endpoint, page)
                messages, rows, until = messages + 1, rows + page.rows, page.until
                if messages % _NOTE_EVERY == 0:
                    _note(database, mark, until, extract)
        finally:
            _note(database, mark, until, extract)
    return Pushed(messages, rows)


def _pages(extract: Extract, rows: Iterator[Row]) -> Iterator[_Page]:
    """Yield messages as large as they may be; what belongs to one place of the table is never torn apart."""
    held: list[Row] = []
    size = 0
    room = LARGEST_BODY - len(_body(extract, [])) - 1
    for _, group in itertools.groupby(rows, lambda row: row[0]):
        together = list(group)
        more = sum(len(encoded(_plain(extract, row))) + 1 for _, row in together)
        if held and size + more > room:
            yield _page(extract, held)
            held, size = [], 0
        held += together
        size += more
    if held:
        yield _page(extract, held)


def _page(extract: Extract, rows: list[Row]) -> _Page:
    body = _body(extract, [_plain(extract, row) for _, row in rows])
    # The same rows have the same id: whoever got them twice can tell.
    digest = hashlib.sha256(f"{extract.name} ".encode() + encoded({"rows": [row for _, row in rows]})).hexdigest()
    return _Page(f"msg_{digest[:32]}", body.decode(), len(rows), rows[-1][0])


def _body(extract: Extract, rows: list[dict[str, Any]]) -> bytes:
    return encoded({"type": f"{extract.name}.exported", "timestamp": iso(wall()), "data": {"rows": rows}})


def _plain(extract: Extract, row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: iso(value) if value is not None and extract.columns[name] == "moment" else value
        for name, value in row.items()
    }


async def _deliver(connections: Connections, endpoint: Webhook, page: _Page) -> None:
    """Have one message taken (PushRefused), tried a few times under one id."""
    done: Attempt | None = None
    for number, pause_s in enumerate(PAUSES_S, start=1):
        asked_s = 0.0 if done is None else (done.answer.retry_after_us or 0) / 1e6
        await asyncio.sleep(max(pause_s, min(asked_s, _LONGEST_PAUSE_S)))
        claim = Claim(page.message_id, endpoint.name, page.body, number, wall())
        done = await attempt(connections, claim, endpoint, wall)
        if done.follows.status is Status.DELIVERED:
            return
        if done.follows.status is Status.DEAD:
            break
    says = done.answer.error if done is not None else "nobody was asked"
    raise PushRefused(f"{endpoint.name} did not take message {page.message_id}: {says}; the next push goes on there")


def _got_to(database: Database, mark: str) -> str | None:
    with database.connect() as connection:
        return fact(driver(connection), mark)


def _note(database: Database, mark: str, until: str | None, extract: Extract) -> None:
    if until is None or not extract.grows:
        return
    with for_writing(database).begin() as connection:
        set_fact(driver(connection), mark, until)
