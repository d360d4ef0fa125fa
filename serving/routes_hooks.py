"""The routes that others report to: providers and shops by webhook, each with a proof of its own, or anybody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from features.events import BadEvent, user_key
from features.kinds import NAMES, Kind
from features.moments import read_moment
from features.values import text
from serving import contract_hooks as contract
from serving.errors import NoSuchRoute
from serving.hooks import Hook, Received
from serving.keys import INGEST
from serving.lessons import address
from serving.problem import OK
from serving.report_intake import Intake, Taken, read_each
from serving.reports import PERMANENT, Report, stable_id
from serving.routes import GuardedRoute

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from serving.items import UserIds

_encode = msgspec.json.Encoder().encode
_EMAIL: Final = {
    "delivered": Kind.EMAIL_DELIVERED,
    "opened": Kind.EMAIL_OPENED,
    "clicked": Kind.EMAIL_CLICKED,
    "bounced": Kind.EMAIL_BOUNCED,
    "failed": Kind.EMAIL_BOUNCED,
    "complained": Kind.EMAIL_SPAM,
    "unsubscribed": Kind.UNSUBSCRIBED,
}
_SMS: Final = {
    "delivered": Kind.SMS_DELIVERED,
    "clicked": Kind.SMS_CLICKED,
    "bounced": Kind.SMS_FAILED,
    "failed": Kind.SMS_FAILED,
    "unsubscribed": Kind.UNSUBSCRIBED,
}
_PUSH: Final = {
    "delivered": Kind.PUSH_RECEIVED,
    "opened": Kind.PUSH_TAPPED,
    "clicked": Kind.PUSH_TAPPED,
    "tapped": Kind.PUSH_TAPPED,
    "bounced": Kind.PUSH_BOUNCED,
    "failed": Kind.PUSH_BOUNCED,
    "unsubscribed": Kind.UNSUBSCRIBED,
}
_KINDS: Final = {"email": _EMAIL, "sms": _SMS, "push": _PUSH}


class HookRoute(GuardedRoute):
    """A route without an API key, whose answer is made from the raw request, as its sender signed it."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        answer: Callable[[str, Received], Awaitable[bytes]],
        clock: Callable[[], int],
        name: str | None = None,
    ) -> None:
        """Declare a route; `name` is whose it is, and None where the address says it."""
        self._answer = answer
        self._clock = clock
        self._whose = name
        super().__init__(
            path,
            endpoint,
            needs=None,
            size="hook",
            methods=["POST"],
            tags=["hooks"],
            summary=f"Webhooks of {name}" if name else "Webhooks of a mapped source",
            response_model=contract.ReportsAnswer,
            openapi_extra={"security": []},
        )

    async def handle(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer; the edge has read the body."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        received = Received(scope["opportune.body"], headers, self._clock())
        answer = await self._answer(self._whose or scope["path_params"]["source"], received)
        told = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": OK, "headers": told})
        await send({"type": "http.response.body", "body": answer})


class HookRoutes:
    """The routes, on whoever may send webhooks."""

    def __init__(self, intake: Intake, hooks: Mapping[str, Hook], *, clock: Callable[[], int]) -> None:
        """Keep what answering needs; `clock` tells the wall's microseconds since the epoch."""
        self._intake = intake
        self._hooks = hooks
        self._clock = clock

    def routes(self) -> list[GuardedRoute]:
        """Return the routes as declared; the last takes every source that is none of the providers."""
        declared: dict[str, Callable[..., Any]] = {
            "sendgrid": declare_sendgrid,
            "mailgun": declare_mailgun,
            "ses": declare_ses,
            "postmark": declare_postmark,
        }
        route = partial(HookRoute, answer=self.take, clock=self._clock)
        return [
            GuardedRoute(
                "/v1/outcomes",
                self.outcomes,
                needs=INGEST,
                size="batch",
                methods=["POST"],
                tags=["hooks"],
                strict_content_type=False,
                response_model_exclude_defaults=True,
            ),
            *(route(f"/v1/hooks/{name}", endpoint, name=name) for name, endpoint in declared.items()),
            route("/v1/hooks/{source}", declare_source),
        ]

    async def take(self, name: str, received: Received) -> bytes:
        """Answer a webhook.

        Raises:
            NoSuchRoute: Nobody of this name may send any.
            SignatureRefused: It is not proven to be theirs.
            BadEvent: Nothing of it can be used.
        """
        hook = self._hooks.get(name)
        if hook is None:
            raise NoSuchRoute
        told = await read_each(name, hook.opened(received), lambda item: hook.report(item, received))
        return _encode(await self._intake.take(told, body=received.body, at=received.at))

    async def outcomes(self, asked: contract.OutcomesRequest) -> contract.ReportsAnswer:
        """Tell what became of messages, whoever delivered them."""
        items = [(f"outcomes[{i}]", each) for i, each in enumerate(asked.outcomes)]
        told = await read_each("outcomes", items, _outcome)
        return _answer(await self._intake.take(told, body=b"", at=self._clock()))


def _answer(taken: Taken) -> contract.ReportsAnswer:
    return contract.ReportsAnswer.model_validate(msgspec.to_builtins(taken))


def _outcome(told: object) -> Report:
    """Return what one outcome says (BadEvent)."""
    if not isinstance(told, contract.Outcome):
        raise TypeError(f"{told!r} is no outcome")
    kind = _KINDS[told.channel].get(told.outcome)
    if kind is None:
        raise BadEvent(
            "outcome", f"{told.outcome!r} is nothing that can become of a message by {told.channel}", "invalid"
        )
    if told.decision_id is told.message_id is told.user_id is told.address is None:
        raise BadEvent("decision_id", "decision_id, message_id, user_id or address is required", "required")
    found = None if told.address is None else address(told.address)
    if found is None and told.address is not None:
        raise BadEvent("address", "is neither an e-mail address nor a telephone number", "invalid")
    bounced = kind in (Kind.EMAIL_BOUNCED, Kind.PUSH_BOUNCED)
    said = {
        "provider": told.provider,
        "url": told.url,
        "channel": told.channel if kind is Kind.UNSUBSCRIBED else None,
        "bounce_type": (told.bounce_type or PERMANENT) if bounced else None,
        "machine": told.machine or None,
    }
    return Report(
        source="outcomes",
        what=NAMES[kind],
        message_id=stable_id("outcomes", told.id or told.model_dump(mode="json"), told.outcome),
        at=read_moment(told.at, "at"),
        decision_id=told.decision_id,
        sent_id=told.message_id,
        address=found,
        ids=_ids(told.user_id),
        properties=said,
        user_agent=told.user_agent,
        moment_at="at",
    )


def _ids(user_id: str | int | None) -> UserIds:
    """Return the ids of whom an outcome names, as the log knows them (BadEvent)."""
    if user_id is None:
        return None, None
    try:
        ids = text(user_id, "user_id"), None
        user_key(*ids)
    except BadEvent as bad:
        reason = "must not be empty" if bad.code == "required" else bad.reason
        raise BadEvent("user_id", reason, bad.code) from None
    return ids


async def declare_sendgrid(body: contract.SendGridEvents) -> contract.ReportsAnswer:  # type: ignore[empty-body]
    """Take what became of mails from SendGrid; proven by its signature, an ECDSA over timestamp and body."""


async def declare_mailgun(body: contract.MailgunEvent) -> contract.ReportsAnswer:  # type: ignore[empty-body]
    """Take what became of a mail from Mailgun; proven by the HMAC in its body."""


async def declare_ses(body: contract.SnsMessage) -> contract.ReportsAnswer:  # type: ignore[empty-body]
    """Take what became of a mail from Amazon SES through SNS; proven by the signature of SNS."""


async def declare_postmark(body: contract.PostmarkEvent) -> contract.ReportsAnswer:  # type: ignore[empty-body]
    """Take what became of a mail from Postmark; proven by HTTP Basic."""


async def declare_source(source: str, body: contract.MappedEvent) -> contract.ReportsAnswer:  # type: ignore[empty-body]
    """Take an event of a shop or of anybody else whom `hooks.yaml` names; proven by an HMAC over the body."""
