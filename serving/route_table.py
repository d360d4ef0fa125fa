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
    hook: int = 1024 * 1024
    """SendGrid posts up to 768 KB at once."""

    def of(self, size: Size) -> int:
        """Return the limit of a body; around the event in a question for a score there is room for the question."""
        return {"event": self.event, "score": self.event + 1024, "batch": self.batch, "hook": self.hook}[size]


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
        self.matches = route.path_regex.match

    def join(self, other: Entry) -> bool:
        """Answer the methods of another route of the same path, too; False where the two cannot be one."""
        if self.answer or other.answer or self.needs != other.needs or self.limit != other.limit:
            return False
        both = (*self.methods, *other.methods)
        self.methods = tuple(sorted(set(both)))
        return len(self.methods) == len(both)


class RouteTable:
    """All routes of an application: `exact` by path, and those with parameters."""

    def __init__(self, app: FastAPI, metrics: Metrics, sizes: Sizes) -> None:
        """Enter the routes.

        Raises:
            ValueError: A route does not say which scope it needs, or a path is declared twice for a method.
        """
        self.nowhere = Entry(Route("/", _nothing, methods=[]), metrics.route(_UNMATCHED), sizes)
        entries: dict[str, Entry] = {}
        for route in app.routes:
            if not isinstance(route, Route) or not (isinstance(route, GuardedRoute) or route.path == app.openapi_url):
                raise ValueError(f"{route!r} does not say which scope it needs")
            entry = Entry(route, metrics.route(route.path), sizes)
            known = entries.setdefault(route.path, entry)
            if known is not entry and not known.join(entry):
                raise ValueError(f"{route.path} is declared twice")
        self.exact = {path: entry for path, entry in entries.items() if "{" not in path}
        self._patterned = [entry for path, entry in entries.items() if "{" in path]

    def find(self, path: str, method: str) -> Entry:
        """Return the route with parameters that this path belongs to, or `nowhere`.

        An id may look like the end of another route's path: of several routes the one that answers the method counts.
        """
        found = [entry for entry in self._patterned if entry.matches(path)]
        return next((entry for entry in found if method in entry.methods), found[0] if found else self.nowhere)


async def _nothing() -> None:
    """Stand where there is no route."""
