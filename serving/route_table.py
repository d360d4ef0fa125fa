"""The declared routes as the edge finds them: by their path, each with what it asks of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.routing import Route

from serving.routes import GuardedRoute, HotRoute

if TYPE_CHECKING:
    from serving.metrics import Metrics, RouteCounts
    from serving.routes import Size

_UNMATCHED = "(none)"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes a body may have, packed as well as unpacked, by what it carries."""

    event: int = 32 * 1024
    batch: int = 500 * 1000

    def of(self, size: Size) -> int:
        """Return the limit of a body; around the event in a question for a score there is room for the question."""
        return {"event": self.event, "score": self.event + 1024, "batch": self.batch}[size]


class Entry:
    """A declared route as the edge uses it."""

    __slots__ = (
        "answer",
        "counts",
        "cross_origin",
        "key_in_body",
        "limit",
        "matches",
        "methods",
        "needs",
        "reads_body",
    )

    def __init__(self, route: Route, counts: RouteCounts, sizes: Sizes) -> None:
        declared = route if isinstance(route, GuardedRoute) else None
        self.answer = route.answer if isinstance(route, HotRoute) else None
        self.counts = counts
        self.needs = declared.needs if declared else None
        self.limit = sizes.of(declared.size if declared else "event")
        self.key_in_body = declared.key_in_body if declared else False
        self.cross_origin = declared.cross_origin if declared else False
        self.methods = tuple(sorted(route.methods or ()))
        self.reads_body = "POST" in self.methods or "PUT" in self.methods or "PATCH" in self.methods
        self.matches = route.path_regex.match


class RouteTable:
    """All routes of an application: `exact` by path, and those with parameters."""

    def __init__(self, app: FastAPI, metrics: Metrics, sizes: Sizes) -> None:
        """Enter the routes.

        Raises:
            ValueError: A route does not say which scope it needs, or a path is declared twice.
        """
        self.exact: dict[str, Entry] = {}
        self.nowhere = Entry(Route("/", _nothing, methods=[]), metrics.route(_UNMATCHED), sizes)
        self._patterned: list[Entry] = []
        for route in app.routes:
            if not isinstance(route, Route) or not (isinstance(route, GuardedRoute) or route.path == app.openapi_url):
                raise ValueError(f"{route!r} does not say which scope it needs")
            entry = Entry(route, metrics.route(route.path), sizes)
            if "{" in route.path:
                self._patterned.append(entry)
            elif self.exact.setdefault(route.path, entry) is not entry:
                raise ValueError(f"{route.path} is declared twice")

    def find(self, path: str) -> Entry:
        """Return the route with parameters that this path belongs to, or `nowhere`."""
        return next((entry for entry in self._patterned if entry.matches(path)), self.nowhere)


async def _nothing() -> None:
    """Stand where there is no route."""
