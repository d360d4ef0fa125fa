"""Where the links of messages lead: to unsubscribe (RFC 8058), to the picture of an opened message, to a page.

These need no key: their token is one. Whatever only looks, such as a scanner that opens all links, changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from fastapi import Request
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from features.normalise import normalise
from policy.guards import UNSUBSCRIBED
from serving import reactions
from serving.bursts import Bursts
from serving.links import is_web_address
from serving.pages import opt_out_page, unknown_link_page
from serving.pixel import PICTURED, picture
from serving.preferences import choices, emptied, is_out, lift, standing_of
from serving.problem import NO_CONTENT, OK
from serving.reactions import is_machine, is_too_soon, sent
from serving.routes import GuardedRoute
from serving.scanners import PICTURE, Click, is_next, told_before
from serving.suppressions import USER, Suppression
from serving.tokens import Clicked, Opened, OptOut, Tokens, Trapped
from serving.withdrawal import suppress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Engine as Database

    from features.mapping import EventMapping
    from policy.guards import Standing
    from serving.engine import Engine
    from serving.items import Ingested
    from serving.metrics import Metrics
    from serving.preferences import Choice
_AWAY: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
_ONE_CLICK: Final = {
    "schema": {"type": "object", "properties": {"List-Unsubscribe": {"type": "string"}}},
    "example": {"List-Unsubscribe": "One-Click"},
}
_PAGE: Final[dict[str, Any]] = {"text/html": {"schema": {"type": "string"}}}
_NO_LINK: Final[dict[int | str, dict[str, Any]]] = {404: {"description": "No link of ours: a page.", "content": _PAGE}}
_SHOWN: Final = {OK: {"description": "The page.", "content": _PAGE}, **_NO_LINK}
_LED: Final[dict[int | str, dict[str, Any]]] = {
    302: {
        "description": "Where the message said.",
        "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}},
    },
    NO_CONTENT: {"description": "A link that nobody sees."},
    **_NO_LINK,
}
_FORM: Final = {
    "requestBody": {"content": {"application/x-www-form-urlencoded": _ONE_CLICK, "multipart/form-data": _ONE_CLICK}}
}


class LinkRoutes:
    """The routes, on an engine and its database."""

    def __init__(
        self,
        engine: Engine,
        *,
        tokens: Tokens,
        database: Database,
        mapping: Callable[[], EventMapping],
        metrics: Metrics,
        clock: Callable[[], int],
        replay: bool = False,
    ) -> None:
        """Keep what answering needs.

        Args:
            engine: Writes; its policy says what there is to choose.
            tokens: Reads what a link says.
            database: Read on connections of its own.
            mapping: Returns how names and fields become ours; knows the agents of scanners.
            metrics: Where it is counted.
            clock: Tells the wall's microseconds since the epoch, as deliveries know it.
            replay: Whether it is a replay, in which deliveries are known on the clock of the events.
        """
        self._engine = engine
        self._tokens = tokens
        self._database = database
        self._mapping = mapping
        self._metrics = metrics
        self._clock = clock
        self._bursts = Bursts()
        self._replay = replay

    def routes(self) -> list[GuardedRoute]:
        """Return the routes as declared."""
        found = [
            _route("/u/{token}", self.show, "GET", "The page to unsubscribe on; looking at it changes nothing", _SHOWN),
            _route(
                "/u/{token}",
                self.opt_out,
                "POST",
                "Unsubscribe with one click (RFC 8058), or save choices",
                _SHOWN,
                openapi_extra=_FORM,
            ),
            _route("/o/{token}.gif", self.open, "GET", "The picture that tells of an opened message", PICTURED),
            _route(
                "/c/{token}",
                self.click,
                "GET",
                "A link of a message: tells of the click and leads where it said",
                _LED,
                status_code=302,
            ),
        ]
        # A HEAD that is asked of a link is no click: it is answered here to be told apart.
        return [*found, GuardedRoute("/c/{token}", self.peek, methods=["HEAD"], needs=None, include_in_schema=False)]

    def show(self, token: str) -> Response:
        """Offer to unsubscribe, and to choose."""
        asked = self._tokens.read(token)
        if not isinstance(asked, OptOut):
            return unknown_link_page()
        return self._page(asked)

    async def opt_out(self, token: str, request: Request) -> Response:
        """Unsubscribe whoever holds the link, at once and also from what is pending; again changes nothing."""
        asked = self._tokens.read(token)
        if not isinstance(asked, OptOut):
            return unknown_link_page()
        form = _form(request.scope["opportune.body"])
        if "preferences" in form:
            await self._choose(asked, frozenset(form.get("on", ())))
            return self._page(asked, done="saved")
        with self._database.connect() as connection:
            is_known = is_out(connection, asked)
        if not is_known:
            await self._unsubscribe(asked, [asked.channel])
        return self._page(asked, done="unsubscribed")

    async def open(self, token: str, request: Request) -> Response:
        """Take note that a message was opened."""
        content = self._tokens.read(token)
        headers = dict(request.headers.raw)
        if isinstance(content, Opened) and request.scope.get("opportune.method") != "HEAD":
            message = self._sent(content.message_id)
            if message is not None:
                at = self._engine.now()
                machine = is_machine(headers, self._mapping()) or self._is_next(message, Click(at, PICTURE))
                await self._ingest([reactions.opened(message, machine=machine, at=at)], at)
        return picture()

    async def click(self, token: str, request: Request) -> Response:
        """Lead on, and take note of it once it is known whether a person did it."""
        content = self._tokens.read(token)
        if isinstance(content, Trapped):
            return await self._trap(content)
        if not isinstance(content, Clicked):
            return unknown_link_page()
        machine = is_machine(dict(request.headers.raw), self._mapping())
        return _led_on(content.url, BackgroundTask(self._note, content, self._engine.now(), machine=machine))

    async def peek(self, token: str) -> Response:
        """Say where a link leads."""
        content = self._tokens.read(token)
        if isinstance(content, Trapped):
            return Response(status_code=204, headers=_AWAY)
        return _led_on(content.url) if isinstance(content, Clicked) else unknown_link_page()

    async def _trap(self, content: Trapped) -> Response:
        """Take note that something goes through all links of a message, at once: what it follows next is asked soon."""
        message = self._sent(content.message_id)
        if message is not None:
            at = self._engine.now()
            await self._ingest([reactions.trapped(message, content.trap, at=at)], at)
        return Response(status_code=204, headers=_AWAY)

    async def _note(self, content: Clicked, at: int, *, machine: bool) -> None:
        """Take note of a click once it is known which other links of the message were followed at the same time."""
        followed_at = at if self._replay else self._clock()
        alone = await self._bursts.is_alone(content.message_id, content.url)
        message = self._sent(content.message_id)
        if message is not None:
            machine = machine or not alone or is_too_soon(message, at=followed_at)
            machine = machine or self._is_next(message, Click(at, content.url))
            await self._ingest([reactions.clicked(message, content.url, machine=machine, at=at)], at)

    async def _unsubscribe(self, asked: OptOut, channels: Sequence[str]) -> None:
        at = self._engine.now()
        message = self._sent(asked.message_id)
        taken = await self._ingest([reactions.unsubscribed(asked, each, message) for each in channels], at)
        if taken.accepted < len(channels):
            # Of somebody whose events are not kept, that they do not want to be written to is kept all the same.
            entries = [Suppression(USER, asked.user_key, each, UNSUBSCRIBED, at) for each in channels]
            await self._engine.write(lambda connection: suppress(connection, entries))

    async def _choose(self, asked: OptOut, wanted: frozenset[str]) -> None:
        """Write down what differs from what held so far."""
        before = self._choices(asked)
        changed = {each.name: each.name in wanted for each in before if each.is_on != (each.name in wanted)}
        back = {each.channel for each in before if changed.get(each.name)}
        if back:
            await self._engine.write(lambda connection: lift(connection, asked.user_key, back))
        if changed:
            await self._ingest([reactions.said(asked, changed)], self._engine.now())
        if given_up := emptied(before, wanted):
            await self._unsubscribe(asked, given_up)

    async def _ingest(self, calls: Sequence[dict[str, Any]], at: int) -> Ingested:
        mapping = self._mapping()
        taken = await self._engine.ingest([normalise(each, received_at=at, mapping=mapping) for each in calls])
        self._metrics.took_in(taken)
        return taken

    def _page(self, asked: OptOut, done: str | None = None) -> Response:
        return opt_out_page(channel=asked.channel, choices=self._choices(asked), done=done)

    def _choices(self, asked: OptOut) -> list[Choice]:
        return choices(self._standing(asked), self._engine.policy, asked)

    def _standing(self, asked: OptOut) -> Standing:
        with self._database.connect() as connection:
            return standing_of(connection, asked.user_key)

    def _is_next(self, message: reactions.Sent, click: Click) -> bool:
        """Whether a scanner that goes through the message link by link is at this one."""
        with self._database.connect() as connection:
            clicks, _ = told_before(connection, message.user_key, message.decision_id, first=click.at, last=click.at)
        return is_next(click, clicks=clicks)

    def _sent(self, message_id: str) -> reactions.Sent | None:
        with self._database.connect() as connection:
            return sent(connection, message_id, replay=self._replay)


def _route(
    path: str,
    endpoint: Callable[..., Any],
    method: str,
    summary: str,
    answers: Mapping[int | str, dict[str, Any]],
    **declared: Any,
) -> GuardedRoute:
    declared |= {"tags": ["links"], "response_class": Response, "responses": answers}
    return GuardedRoute(path, endpoint, methods=[method], needs=None, summary=summary, **declared)


def _form(body: bytes) -> dict[str, list[str]]:
    """Return the fields of a form; none of what is no form of this page's, such as a mail client's multipart one."""
    try:
        return parse_qs(body.decode("utf-8", "replace"), max_num_fields=200)
    except ValueError:
        return {}


def _led_on(url: str, background: BackgroundTask | None = None) -> Response:
    if not is_web_address(url):
        return unknown_link_page()
    return RedirectResponse(url, 302, dict(_AWAY), background)
