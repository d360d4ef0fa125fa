"""Those who get the mails, and what they do with them: through the links of the mail, or as their provider tells it."""

import heapq
import time
from collections import Counter
from itertools import count
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from demo.carts.day import MINUTE_US
from demo.carts.people import READS, drawn, mailbox, minutes, visitor_of
from demo.carts.post import Mail
from demo.carts.provider import BROWSER, Provider
from features.moments import SECOND_US

_BY_LINK: Final = {"by link": 0.5, "by provider": 0.5}
_GOES: Final = {"one click": 0.5, "on the page": 0.25, "at the provider": 0.25}
_AGENT: Final = {"User-Agent": BROWSER}


class NotTaken(RuntimeError):
    """The service did not take a report."""


class Public:
    """Does what is due, in the order in which it is due."""

    def __init__(self, client: httpx.Client, provider: Provider) -> None:
        self._client = client
        self._provider = provider
        self._due: list[tuple[int, int, str, Mail]] = []
        self._order = count()
        self.done: Counter[str] = Counter()
        """How often what was done: `delivered`, `opened`, `clicked`, `links scanned`, …"""
        self.went: dict[str, float] = {}
        """Visitors who unsubscribed or complained, and when the service had said that it knows, in seconds."""
        self.unsubscribed: set[str] = set()

    def gets(self, mail: Mail, at: int) -> None:
        """Plan what becomes of a mail that came in at a moment on the clock of the events, in microseconds."""
        visitor = visitor_of(mail.to)
        state = mailbox(visitor)
        if state == "full":
            self._plan(at + 40 * SECOND_US, "bounced", mail)
            return
        self._plan(at + 2 * SECOND_US, "delivered", mail)
        if state == "scanned":
            self._plan(at + 20 * SECOND_US, "scanned", mail)
        does = drawn(READS, "reads", visitor, mail.subject)
        looks_at = at + minutes(visitor, mail.subject) * MINUTE_US
        if does != "nothing":
            self._plan(looks_at, "opens", mail)
        if does not in ("nothing", "opens"):
            self._plan(looks_at + MINUTE_US, does, mail)

    def reach(self, moment: int) -> None:
        """Do everything that is due until a moment, in microseconds."""
        while self._due and self._due[0][0] <= moment:
            at, _, does, mail = heapq.heappop(self._due)
            getattr(self, f"_{does}")(mail, at)

    def _plan(self, at: int, does: str, mail: Mail) -> None:
        heapq.heappush(self._due, (at, next(self._order), does, mail))

    def _delivered(self, mail: Mail, at: int) -> None:
        self._tell("delivered", mail, at)
        self.done["delivered"] += 1

    def _bounced(self, mail: Mail, at: int) -> None:
        self._tell("bounce", mail, at, type="bounce", reason="552 5.2.2 The mailbox is full")
        self.done["bounced"] += 1

    def _scanned(self, mail: Mail, _at: int) -> None:
        """A gateway opens all that there is to open, as a browser would, and presses no button."""
        for url in (*mail.links, *mail.pictures, mail.one_click):
            self._look(url)
        self.done["links scanned"] += len(set(mail.links))
        self.done["mails scanned"] += 1

    def _opens(self, mail: Mail, at: int) -> None:
        if self._through(mail, "opens") == "by link":
            for url in mail.pictures:
                self._look(url)
        else:
            self._tell("open", mail, at)
        self.done["opened"] += 1

    def _clicks(self, mail: Mail, at: int) -> None:
        url = mail.seen_links[0]
        if self._through(mail, "clicks") == "by link":
            self._look(url)
        else:
            self._tell("click", mail, at, url=url)
        self.done["clicked"] += 1

    def _unsubscribes(self, mail: Mail, at: int) -> None:
        match drawn(_GOES, "goes", mail.to):
            case "one click":
                self._post(mail.one_click, {"List-Unsubscribe": "One-Click"})
            case "on the page":
                self._look(mail.one_click)
                self._post(mail.one_click, {})
            case _:
                self._tell("unsubscribe", mail, at)
        self._gone(mail)
        self.unsubscribed.add(visitor_of(mail.to))

    def _complains(self, mail: Mail, at: int) -> None:
        self._tell("spamreport", mail, at)
        self._gone(mail)
        self.done["complained"] += 1

    def _gone(self, mail: Mail) -> None:
        self.went.setdefault(visitor_of(mail.to), time.time())

    def _through(self, mail: Mail, does: str) -> str:
        # Where a gateway has just opened all links, in the time of this run, nobody could be told apart from it.
        if mailbox(visitor_of(mail.to)) == "scanned":
            return "by provider"
        return drawn(_BY_LINK, does, mail.to, mail.subject)

    def _look(self, url: str) -> None:
        answer = self._client.get(_path(url), headers=_AGENT)
        if answer.is_error:
            answer.raise_for_status()

    def _post(self, url: str, form: dict[str, str]) -> None:
        self._client.post(_path(url), data=form).raise_for_status()

    def _tell(self, event: str, mail: Mail, at: int, **more: Any) -> None:
        told = self._provider.tell(self._client, [self._provider.event(event, mail, at, **more)])
        if told.get("accepted") != 1:
            raise NotTaken(f"{event} of a mail to {mail.to} was not taken: {told}")


def _path(url: str) -> str:
    """Return the path of a link, which is asked of the service alone, wherever it says that it leads."""
    return urlsplit(url).path
