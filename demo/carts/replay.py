"""The day, sent through Segment's own SDK, five minutes at a time, and two days more in which nobody comes."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from segment.analytics.client import Client

from demo.carts.day import MINUTE_US, Hit, chunks, moment
from demo.carts.people import AGREED, address, drawn, user_id
from demo.carts.post import Mail, PostOffice
from demo.carts.public import Public

EVERY_US: Final = 5 * MINUTE_US
HOUR_US: Final = 60 * MINUTE_US
AFTERWARDS_H: Final = 54
SETTLED_WITHIN_S: Final = 30.0
# What a guard put off is due later, and not waited for.
_WAITING: Final = "SELECT count(*) FROM outbox WHERE status = 'pending' AND (lease_until > 0 OR next_attempt_at <= ?)"


class NotSettled(RuntimeError):
    """Messages that were due did not leave in time."""


@dataclass
class Replay:
    """Sends, and lets each stretch of time settle before the next begins.

    Attributes:
        client: Of the service.
        database: Its log.
        office: Where the mails land.
        public: Those who get them.
        handed_over: When the events of each stretch were handed to the SDK, in seconds since the epoch, ascending.
        sent: Ids of the events that were handed to the SDK, repeated ones too.
        refused: How many of them the SDK gave up.
        known: Visitors who said who they are.
    """

    client: httpx.Client
    database: Path
    office: PostOffice
    public: Public
    handed_over: list[float] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    refused: int = 0
    known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._seen = 0
        # Sent at once: a stretch of time is over when all of it has arrived.
        self._sdk = Client(
            "demo", host=str(self.client.base_url).rstrip("/"), on_error=self._not_sent, upload_interval=0.01
        )

    def run(self, hits: Sequence[Hit], advance: Callable[[int], None]) -> None:
        """Send the day, and go on until the last reminder is read; `advance` is told how many hits were sent."""
        end = 0
        for end, within in chunks(hits, EVERY_US):
            self._live_through(within, end)
            advance(len(within))
        for hour in range(1, AFTERWARDS_H + 1):
            self._live_through([], end + hour * HOUR_US)
        self._sdk.join()

    def _live_through(self, hits: Sequence[Hit], end: int) -> None:
        """Send what happened, let the clock reach the end (µs), and let those who got mail do what they do."""
        self.handed_over.append(time.time())
        for hit in hits:
            self._send(hit)
        self._sdk.flush()
        # Asking of a moment lets everything happen that is due until then. What begins at the end belongs to the next.
        asked = {"users": [{"user_id": "nobody"}], "at": moment(end - 1).isoformat()}
        self.client.post("/v1/score/batch", json=asked).raise_for_status()
        self._settle()
        for mail in self._new_mails():
            self.public.gets(mail, end)
        self.public.reach(end)

    def _send(self, hit: Hit) -> None:
        """Hand a hit to the SDK; before the first on a page where people say who they are, that they did."""
        common: dict[str, Any] = {
            "anonymous_id": hit.visitor,
            "timestamp": moment(hit.at),
            "context": _agreed(hit.visitor),
        }
        if hit.names_itself and hit.visitor not in self.known:
            self.known.add(hit.visitor)
            self._note(f"identify-{hit.visitor}")
            traits = {"email": address(hit.visitor), "has_account": True}
            self._sdk.identify(user_id(hit.visitor), traits, message_id=f"identify-{hit.visitor}", **common)
        who = user_id(hit.visitor) if hit.visitor in self.known else None
        self._note(hit.message_id)
        if hit.event == "Page Viewed":
            self._sdk.page(
                who, name=hit.properties["path"], properties=hit.properties, message_id=hit.message_id, **common
            )
        else:
            self._sdk.track(who, hit.event, hit.properties, message_id=hit.message_id, **common)

    def _note(self, message_id: str) -> None:
        self.sent.append(message_id)

    def _not_sent(self, _error: Exception, events: Sequence[Any]) -> None:
        self.refused += len(events)

    def _new_mails(self) -> list[Mail]:
        new = self.office.mails[self._seen :]
        self._seen += len(new)
        # Which of several that came at once was the first is chance; who they are for is not.
        return sorted(new, key=lambda each: each.to)

    def _settle(self) -> None:
        """Wait until everything that is due has left (NotSettled)."""
        deadline = time.monotonic() + SETTLED_WITHIN_S
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            while connection.execute(_WAITING, (time.time_ns() // 1000,)).fetchone()[0]:
                if time.monotonic() > deadline:
                    raise NotSettled((NotSettled.__doc__ or "").strip())
                time.sleep(0.002)


def _agreed(visitor: str) -> dict[str, Any]:
    """Return the context in which a browser remembers what its visitor said when asked."""
    said = drawn(AGREED, "agreed", visitor)
    answers = {"yes": {"marketing": True}, "no": {"marketing": False}}
    return {"consent": {"categoryPreferences": answers[said]}} if said in answers else {}
