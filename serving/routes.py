"""How a route is declared: with its models for people and tools, and with the scope a key needs to use it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from fastapi.routing import APIRoute

from serving.contract import SECURITY_SCHEMES
from serving.contract_reads import Problem
from serving.problem import OK

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from serving.callers import Caller

Size = Literal["event", "score", "batch", "hook"]

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "Refused; `code` says why, `field` where."},
    "5XX": {"model": Problem, "description": "Not answered now; `Retry-After` says when to ask again."},
}
# Made once: for each route, the same two models would be compiled again.
_FIELDS = APIRoute("/", lambda: None, responses=_PROBLEMS).response_fields
_SAID: dict[int | str, dict[str, Any]] = {
    status: {name: told for name, told in each.items() if name != "model"} for status, each in _PROBLEMS.items()
}


class GuardedRoute(APIRoute):
    """A route that needs a scope; None where everybody may call."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        needs: str | None,
        size: Size = "event",
        key_in_body: bool = False,
        cross_origin: bool = False,
        **declared: Any,
    ) -> None:
        """Declare a route.

        Args:
            path: Where.
            endpoint: Answers it, and by its signature declares what goes in and out.
            needs: The scope a key must have.
            size: Which limit its body has.
            key_in_body: Whether the key may come as `writeKey` in the body.
            cross_origin: Whether the pages of other origins may call it, as far as the settings allow.
            declared: What else FastAPI should know.
        """
        self.needs = needs
        self.size = size
        self.key_in_body = key_in_body
        self.cross_origin = cross_origin
        security = {"security": [] if needs is None else [{scheme: [needs]} for scheme in SECURITY_SCHEMES]}
        super().__init__(
            path,
            endpoint,
            openapi_extra={**security, **(declared.pop("openapi_extra", None) or {})},
            responses={**_SAID, **(declared.pop("responses", None) or {})},
            **declared,
        )
        self.response_fields = {**_FIELDS, **self.response_fields}
        # An id may hold whatever text can, the end of a line too.
        self.path_regex = re.compile(self.path_regex.pattern, re.DOTALL)


class HotRoute(GuardedRoute):
    """A route whose answer is made from the raw body, past FastAPI's validation.

    The endpoint only declares, with pydantic models; a test holds them equal to what `answer` decodes and encodes.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        answer: Callable[[bytes, Caller], Awaitable[bytes]],
        **declared: Any,
    ) -> None:
        """Declare a route, and how it is really answered: from the body, plain, to JSON."""
        self.answer = answer
        super().__init__(path, endpoint, methods=["POST"], **declared)

    async def handle(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer through FastAPI's router just as the edge does directly; the edge has read body and key."""
        answer = await self.answer(scope["opportune.body"], scope["opportune.caller"])
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": OK, "headers": headers})
        await send({"type": "http.response.body", "body": answer})
