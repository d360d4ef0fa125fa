"""The HTTP interface put together: the declared routes in a FastAPI application, and the edge around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from serving.callers import Keyring
from serving.clock import wall
from serving.cors import Origins
from serving.edge import Edge
from serving.keys import read_keys
from serving.limits import Allowance
from serving.openapi import document
from serving.problem import handle_errors
from serving.report_intake import Intake
from serving.route_table import Sizes
from serving.routes_codes import CodeRoutes
from serving.routes_delivery import DeliveryRoutes
from serving.routes_docs import docs_routes
from serving.routes_events import EventRoutes
from serving.routes_guards import GuardRoutes
from serving.routes_hooks import HookRoutes
from serving.routes_links import LinkRoutes
from serving.routes_operate import OperateRoutes
from serving.routes_pixel import PixelRoutes
from serving.routes_policy import PolicyRoutes
from serving.routes_products import ProductRoutes
from serving.routes_profiles import ProfileRoutes
from serving.routes_reads import ReadRoutes
from serving.routes_score import ScoreRoutes
from serving.routes_segments import SegmentRoutes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import Engine as Database

    from features.mapping import EventMapping
    from models.learned_segments import LearnedSegments
    from serving.engine import Engine
    from serving.erasure_files import Files
    from serving.hooks import Hook
    from serving.metrics import Metrics
    from serving.policy_watch import PolicyWatch
    from serving.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may be, and how many there may be of them."""

    sizes: Sizes = field(default_factory=Sizes)
    batch_events: int = 2500
    allowance: Allowance = field(default_factory=lambda: Allowance(0))


def http_edge(
    engine: Engine,
    *,
    database: Database,
    mapping: Callable[[], EventMapping],
    metrics: Metrics,
    missing: Callable[[], Sequence[str]],
    files: Files,
    remarks: Callable[[], Iterable[str]] = tuple,
    learned: Callable[[], LearnedSegments | None] = lambda: None,
    policies: PolicyWatch | None = None,
    hooks: Mapping[str, Hook] = MappingProxyType({}),
    tokens: Tokens | None = None,
    wake: Callable[[], None] = lambda: None,
    limits: Limits,
    open_without_keys: bool,
    replay: bool = False,
    tracking: str | None = None,
    cors_origins: Sequence[str] = (),
    version: str = "0",
    **fastapi: Any,
) -> Edge:
    """Put the HTTP interface together.

    Args:
        engine: Answers.
        database: Where API keys and the ledger are read; an engine of its own connections.
        mapping: Returns how names and fields of events become ours.
        metrics: Where it is counted.
        missing: Names in words what keeps the server from being ready; nothing when it is.
        files: Where somebody may be found beside the database, to be erased.
        remarks: Says in words what should be looked at though the server does its work.
        learned: The learned segments in service.
        policies: What puts policies in service; without it there are no routes to look at them.
        hooks: Who may send webhooks, by name.
        tokens: Reads what links of messages say; without it there are no routes for them.
        wake: Tells the dispatcher that there is something to send.
        limits: Of requests.
        open_without_keys: Whether everybody may do everything while there is no key; only on loopback.
        replay: Whether the process replays history.
        tracking: The purpose whose consent lets events in; None where consent to tracking is assumed.
        cors_origins: The origins whose pages may send events.
        version: Of the program.
        fastapi: Anything else for the FastAPI application, such as its lifespan.
    """
    app = FastAPI(title="Opportune", version=version, docs_url=None, redoc_url=None, **fastapi)
    app.router.redirect_slashes = False
    app.openapi = document(app)  # type: ignore[method-assign]
    handle_errors(app)
    size = limits.sizes.event
    tracks_all = tracking is None
    keyring = Keyring(
        lambda: _keys(database),
        allowance=limits.allowance,
        open_without_keys=open_without_keys,
        now=monotonic(),
    )
    score = ScoreRoutes(engine, mapping=mapping, metrics=metrics, clock=wall, max_event_bytes=size, replay=replay)
    events = EventRoutes(
        engine,
        mapping=mapping,
        metrics=metrics,
        clock=wall,
        max_event_bytes=size,
        max_batch_events=limits.batch_events,
        max_batch_bytes=limits.sizes.batch,
        tracks_all=tracks_all,
    )
    reads = ReadRoutes(engine, database=database, metrics=metrics, missing=missing, remarks=remarks, learned=learned)
    operate = OperateRoutes(engine, database=database, files=files, metrics=metrics)
    guards = GuardRoutes(engine, database=database, mapping=mapping, metrics=metrics, clock=wall, tracking=tracking)
    people = ProfileRoutes(engine, database=database, mapping=mapping, metrics=metrics, clock=wall)
    intake = Intake(engine, database=database, mapping=mapping, metrics=metrics, tracks_all=tracks_all, replay=replay)
    app.router.routes += [
        *score.routes(),
        *events.routes(),
        *PixelRoutes(events, keyring=keyring, metrics=metrics, max_event_bytes=size).routes(),
        *guards.routes(),
        *people.routes(),
        *ProductRoutes(engine, database=database, clock=wall).routes(),
        *CodeRoutes(engine, database=database).routes(),
        *reads.routes(),
        *docs_routes(),
        *operate.routes(),
        *DeliveryRoutes(engine, database=database, clock=wall, wake=wake).routes(),
        *HookRoutes(intake, hooks, clock=wall).routes(),
        *SegmentRoutes(engine, database=database).routes(),
    ]
    if policies is not None:
        app.router.routes += PolicyRoutes(policies, database=database).routes()
    if tokens is not None:
        links = LinkRoutes(
            engine, tokens=tokens, database=database, mapping=mapping, metrics=metrics, clock=wall, replay=replay
        )
        app.router.routes += links.routes()
    return Edge(
        app,
        keyring=keyring,
        metrics=metrics,
        sizes=limits.sizes,
        allowance=limits.allowance,
        origins=Origins(cors_origins),
    )


def _keys(database: Database) -> list[Any]:
    with database.connect() as connection:
        return list(read_keys(connection))
