"""The composition root: everything of a server is made here, once, and given to whatever needs it."""

import asyncio
import contextlib
import gc
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, closing
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import Any

from sqlalchemy import Connection
from sqlalchemy import Engine as Database

from policy.quantities import in_words
from policy.segments import SegmentRules
from policy.source import PolicyRefused
from policy.timing import timing
from serving import outbox
from serving.api import Limits, http_edge
from serving.ceilings import Ceilings
from serving.champions import Champions
from serving.channels import configured, unreachable
from serving.channels_file import ChannelsRefused
from serving.checkpoints import MOST_PAGES, Checkpoints
from serving.children import keep_alive
from serving.clock import Clock, ReplayClock, Ticks, WallClock, wall
from serving.codes import empty_pools
from serving.database import for_writing, opened_database
from serving.dispatcher import Dispatcher
from serving.driver import driver
from serving.edge import Edge
from serving.endpoints import EndpointRefused, is_loopback
from serving.engine import Engine
from serving.erasure_files import Files
from serving.errors import DatabaseGone, NotWritable
from serving.fallback import FallingBack
from serving.followed_file import FollowedFile, follow
from serving.health import HealthFile, keep_looking
from serving.hook_file import HooksRefused, read_hooks
from serving.keys import read_keys
from serving.limits import Allowance
from serving.log import last_moment
from serving.mapping_file import MappingRefused, read_mapping
from serving.metrics import Metrics
from serving.online import OnlineStates
from serving.outbox import Attempt
from serving.policy_file import PolicyFile
from serving.policy_watch import PolicyWatch
from serving.recheck import asking
from serving.rendering import Links, Rendering
from serving.retention import keep_pruning
from serving.retry import Status
from serving.route_table import Sizes
from serving.segments import keep_segments
from serving.settings import Settings
from serving.signing import SecretRefused
from serving.states import StateKeeper
from serving.tokens import Tokens, tokens_of
from serving.work import Tools

STOP_WITHIN_S = 10.0
DATABASE_EVERY_S = 2.0
"""Rarely, since the disk has to write all pages that changed: one that changed often, once."""
STATES_EVERY_S = 0.25
"""Often, since nobody waits for the disk: each time is short."""
GC_THRESHOLDS = (10_000, 50, 100)
"""A full collection stops everything for tens of milliseconds; what dies young is found without one."""
_FAR_BEHIND = timedelta(minutes=1)
_log = logging.getLogger(__name__)


class OpenToTheWorld(Exception):
    """Without API keys the server listens on loopback only: make one with `make key`, or set OPPORTUNE_HOST."""


class Server:
    """A server's parts, and their life: `life` starts and stops what runs beside the requests."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        with ExitStack() as opened:
            self._put_together(opened)
            # What refused to start has let its files go.
            self._opened = opened.pop_all()

    def _put_together(self, opened: ExitStack) -> None:
        settings = self._settings
        self.database = opened.enter_context(opened_database(settings.database))
        self.metrics = Metrics()
        self.followed = self._files_to_follow()
        self._mapping = read_mapping(settings.events)
        self.champions = Champions(settings.home / "bundles", settings.horizons)
        self.metrics.refused = self.champions.refusals
        self.metrics.health = HealthFile(settings.home).gauges
        with self.database.connect() as connection:
            clock, last = _clock(connection, replay=settings.replay)
            self._refuse_the_world(connection)
        self.tokens = _tokens(self.database, settings)
        self._hooks = dict(read_hooks(settings.hooks, os.environ)) if settings.hooks else {}
        policy_file = PolicyFile(settings.triggers, self._mapping.kind_of)
        policy = policy_file.load()
        self._channels = configured(settings, os.environ)
        self._online = online = opened.enter_context(closing(OnlineStates(settings.home)))
        self._ticks = Ticks(clock, last)
        tools = Tools(
            keeper=StateKeeper(online),
            scorer=self.champions.load(),
            policy=policy,
            timing=timing(policy),
            clock=clock,
            ticks=self._ticks,
            score_sample=settings.score_sample,
            tracking=settings.required_consent,
            nearest=self._nearest,
        )
        engine = Engine(self.database, tools, self.metrics, on_messages=self._wake)
        self.engine = opened.enter_context(closing(engine))
        self.policies = PolicyWatch(policy_file, self.engine, database=self.database)
        self.metrics.follow_policy(lambda: self.engine.policy.version, lambda: self.policies.refusal is not None)
        for name, file in self.followed.items():
            self.metrics.gauge(f"{name}_refused", f"Whether {file.what} was refused.", file.measure)
        self._dispatching: asyncio.Task[None] | None = None
        ceilings = Ceilings(settings.sends_per_minute, settings.sends_per_day)
        ask = asking(lambda: tools.policy, clock.now, departs=not clock.replay)
        base = settings.links_base
        links = Links(self.tokens, base) if base else None
        rendering = Rendering(lambda: tools.policy, links, lambda: self.champions.neighbours)
        self.dispatcher = Dispatcher(
            self.engine,
            self._channels.endpoints,
            wall=wall,
            ceilings=ceilings,
            ask=ask,
            render=rendering.rendered,
            channels=self._channels.by_channel,
            fall_back=FallingBack(lambda: tools.policy, clock.now),
            observe=self._observe,
            is_there=self._is_there,
        )

    def edge(self) -> Edge:
        """Return the ASGI application."""
        settings = self._settings
        return http_edge(
            self.engine,
            database=self.database,
            mapping=lambda: self._mapping,
            metrics=self.metrics,
            wake=self._wake,
            missing=self._missing,
            files=Files(settings.home, [settings.database, *([self._online.file] if self._online.file else [])]),
            remarks=self._remarks,
            learned=lambda: self.champions.learned,
            policies=self.policies,
            tokens=self.tokens,
            hooks=self._hooks,
            limits=Limits(
                sizes=Sizes(event=settings.max_event_bytes, batch=settings.max_batch_bytes),
                batch_events=settings.max_batch_events,
                allowance=Allowance(settings.rate_limit),
            ),
            open_without_keys=is_loopback(settings.host),
            replay=settings.replay,
            tracking=settings.required_consent,
            cors_origins=settings.cors_origins,
            version=version("opportune"),
            lifespan=self.life,
        )

    @asynccontextmanager
    async def life(self, _app: Any) -> AsyncIterator[None]:
        """Dispatch, watch for champions, and stop with everything that was acknowledged written down."""
        settings = self._settings
        loop = asyncio.get_running_loop()
        finish = partial(_soon, loop, self.engine.finish_checkpoint)
        checkpoints = [Checkpoints(settings.database, every_s=DATABASE_EVERY_S, finish=finish, long=MOST_PAGES)]
        if self._online.file is not None:
            checkpoints.append(Checkpoints(self._online.file, every_s=STATES_EVERY_S, durable=False, long=0))
        for each in checkpoints:
            each.start()
        # First, so that nothing is sent that the policy of today would not send.
        await self.policies.start()
        self.engine.start()
        self._dispatching = asyncio.create_task(self.dispatcher.run())
        watching = [asyncio.create_task(self.champions.watch(self.engine.replace_models))]
        watching.append(asyncio.create_task(self.policies.watch()))
        watching.append(asyncio.create_task(follow(list(self.followed.values()))))
        watching.append(asyncio.create_task(self._forget()))
        rules = partial(_rules_of, self.engine)
        watching.append(asyncio.create_task(keep_segments(self.engine, self.database, rules)))
        if settings.watch_registry:
            arguments = ("-m", "serving.registry")
            watching.append(asyncio.create_task(keep_alive(arguments, settings, "the watcher of the model registry")))
        if settings.health_every_min:
            watching.append(asyncio.create_task(keep_looking(settings)))
        # What lives as long as the process need not be looked at by each collection: that is what the tail was.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        try:
            yield
        finally:
            self.dispatcher.stop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._dispatching, STOP_WITHIN_S)
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            await self.policies.stop()
            for each in checkpoints:
                await asyncio.to_thread(each.stop)
            self.close()

    def close(self) -> None:
        """Write down everything that was acknowledged, and let the files go; whoever serves has done so at the end."""
        self._opened.close()

    def _nearest(self, name: str) -> str | None:
        return self._mapping.nearest(name)

    def _files_to_follow(self) -> dict[str, FollowedFile]:
        """Return the files that are followed besides the policy's, by the short names of their metrics."""
        settings, files = self._settings, {}
        if settings.events is not None:
            refused = (MappingRefused, PolicyRefused)
            files["mapping"] = FollowedFile("the mapping of events", settings.events, self._take_mapping, refused)
        if settings.channels is not None:
            wrong = (ChannelsRefused, EndpointRefused, SecretRefused)
            files["channels"] = FollowedFile("the file of channels", settings.channels, self._take_channels, wrong)
        if settings.hooks is not None:
            files["hooks"] = FollowedFile("the file of webhooks", settings.hooks, self._take_hooks, (HooksRefused,))
        return files

    async def _take_mapping(self) -> None:
        mapping = await asyncio.to_thread(read_mapping, self._settings.events)
        await self.policies.remap(mapping.kind_of)
        self._mapping = mapping

    async def _take_channels(self) -> None:
        self._channels = await asyncio.to_thread(configured, self._settings, os.environ)
        self.dispatcher.replace_channels(self._channels)

    async def _take_hooks(self) -> None:
        if self._settings.hooks is not None:
            found = await asyncio.to_thread(read_hooks, self._settings.hooks, os.environ)
            self._hooks.clear()
            self._hooks.update(found)

    async def _forget(self) -> None:
        """Let go of what is older than the settings keep it."""
        await keep_pruning(
            self.engine,
            self._settings,
            database=self.database,
            longest_cap_us=lambda: self.engine.policy.watch.sends_us,
            now=self.engine.now,
        )

    def _missing(self) -> Sequence[str]:
        """Name what keeps the server from doing its work; without a model the rule answers, so that is none of it."""
        missing = []
        if self._has_registry() and self.champions.are_awaited:
            missing.append("the models: the registry has not been asked yet, and the rule answers")
        if self._dispatching is None or self._dispatching.done():
            missing.append("the dispatcher: messages are decided on, but not sent")
        if isinstance(self.engine.trouble, NotWritable):
            is_gone = isinstance(self.engine.trouble, DatabaseGone)
            where = "the database, which was removed or replaced" if is_gone else "a disk that can be written to"
            missing.append(f"{where}: events are refused")
        nowhere = unreachable(self.engine.policy, self._channels)
        missing += [f"an endpoint named {name}: messages for it wait in the outbox" for name in nowhere]
        if self.engine.store_error is not None:
            missing.append(f"the online store: {self.engine.store_error}; states are rebuilt from the log at each read")
        if isinstance(self.engine.trouble, NotWritable) or self.engine.store_error is not None:
            # Where nobody else tries any more, since this is not ready.
            self.engine.try_to_write()
        return missing

    def _has_registry(self) -> bool:
        settings = self._settings
        return settings.watch_registry and bool(settings.registry or (settings.home / "mlflow.db").exists())

    def _remarks(self) -> list[str]:
        """Name what should be looked at though the server does its work."""
        refusals = [self.policies.refusal, *(each.refusal for each in self.followed.values())]
        remarks = [*self.champions.refusals().values(), *(each for each in refusals if each is not None)]
        mail = self._channels.endpoints.get(self._channels.by_channel.get("email", ""))
        if mail is not None and mail.renders and self._settings.links_base is None:
            remarks.append("OPPORTUNE_PUBLIC_URL is not set: e-mails have no link to unsubscribe by")
        remarks += self.engine.shadow.remarks()
        behind = timedelta(microseconds=self._ticks.behind_us)
        if behind >= _FAR_BEHIND:
            # An hour that it went ahead once is in the log, whose moments never go back.
            told = in_words(timedelta(seconds=behind // timedelta(seconds=1)))
            remarks.append(
                f"the clock is {told} behind what it showed before: events count as that old until it is there"
            )
        policy = self.engine.policy
        remarks += self.champions.unlearned(policy.learned)
        remarks += self.champions.without_uplift(policy.uplifts)
        if any(each.gives_codes for each in policy.triggers):
            with self.database.connect() as connection:
                remarks += empty_pools(connection, policy, at=self.engine.now())
        return remarks

    def _wake(self) -> None:
        self.dispatcher.wake()

    def _is_there(self, message_id: str) -> bool:
        with self.database.connect() as connection:
            return outbox.holds(connection, message_id)

    def _observe(self, attempt: Attempt) -> None:
        if attempt.follows.status is Status.DELIVERED:
            self.metrics.decision_to_dispatch_s.observe(attempt.since_enqueued_us / 1e6)

    def _refuse_the_world(self, connection: Connection) -> None:
        if list(read_keys(connection)):
            return
        if not is_loopback(self._settings.host):
            raise OpenToTheWorld((OpenToTheWorld.__doc__ or "").strip())
        _log.warning("there are no API keys: whoever is on this machine may do everything; `make key` makes one")


def _rules_of(engine: Engine) -> SegmentRules:
    return engine.policy.segment_rules


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[int], None], pages: int) -> None:
    # A thread may speak up when its loop is over already.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(call, pages)


def create_app(settings: Settings) -> Edge:
    """Return the ASGI application of a server with these settings."""
    return Server(settings).edge()


def _tokens(database: Database, settings: Settings) -> Tokens:
    """Return what seals the links of messages; the first process of an installation makes its secret."""
    secret = settings.link_secret
    with for_writing(database).begin() as connection:
        return tokens_of(driver(connection), None if secret is None else secret.get_secret_value())


def _clock(connection: Connection, *, replay: bool) -> tuple[Clock, int]:
    """Return the clock, and the last moment that the log or the ledger holds."""
    last = last_moment(connection)
    return (ReplayClock(last) if replay else WallClock()), last
