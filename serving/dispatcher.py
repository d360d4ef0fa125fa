"""The dispatcher: takes messages from the outbox, hands them on, and writes down what came back."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final, Protocol, TypeVar

from sqlalchemy import Connection

from serving import outbox
from serving.breaker import Breaker
from serving.ceilings import Ceilings
from serving.channels import Channels
from serving.claims import Ask, Claim, Obstacle, ask_nothing, in_words, take
from serving.courier import Connections, attempt, open_connections
from serving.courier_file import IsThere
from serving.disabled import disable, disabled_endpoints
from serving.endpoints import Endpoint
from serving.fallback import FallBack, nowhere_else
from serving.outbox import Attempt
from serving.pause import is_paused
from serving.rendered import Render, render_nothing
from serving.retry import Status

T = TypeVar("T")
log = logging.getLogger(__name__)

_REST_S: Final = 0.02
"""Between two turns: what comes in meanwhile shares a transaction. Waking an idle dispatcher takes no rest."""

_REST_AFTER_FAILURE_S: Final = 1.0
_RENDERED_AT_ONCE: Final = 8
"""Messages of one endpoint that a turn puts into words: a large one takes milliseconds, in which nobody is answered."""
_BURIED_AT_ONCE: Final = 50
"""Messages of an endpoint that is gone which a turn gives up: each is asked for its next channel."""
_LOOK_AGAIN_US: Final = 500_000
"""While sending is paused, or a ceiling is reached: nobody says when that is over."""


class Writer(Protocol):
    """Whoever may write to the database: in the server the batch loop."""

    async def write(self, job: Callable[[Connection], T]) -> T:
        """Run the job in a transaction and return its result once that is committed."""


class Dispatcher:
    """Delivers at least once, each message always under the same id.

    Whatever finished while the last transaction ran is settled by the next, which also claims what is due: there are
    as many transactions as the load needs, at most fifty a second, not one for each message. All moments are wall-clock
    microseconds.
    """

    def __init__(
        self,
        writer: Writer,
        endpoints: Mapping[str, Endpoint],
        *,
        wall: Callable[[], int],
        concurrency: int = 32,
        timeout_s: float = 15.0,
        look_every_s: float = 30.0,
        ceilings: Ceilings = Ceilings(),  # noqa: B008 - it cannot be changed
        ask: Ask = ask_nothing,
        render: Render = render_nothing,
        channels: Mapping[str, str] = MappingProxyType({}),
        fall_back: FallBack = nowhere_else,
        observe: Callable[[Attempt], None] = lambda _: None,
        is_there: IsThere = lambda _: True,
    ) -> None:
        """Prepare; `run` starts.

        Args:
            writer: Does the bookkeeping.
            endpoints: By the name that messages carry; messages for any other stay in the outbox.
            wall: The clock of leases, retries and signatures.
            concurrency: Messages on their way to one endpoint at the same time, unless the endpoint says otherwise.
            timeout_s: How long a receiver may take.
            look_every_s: How often to look for messages that nobody announced by `wake`.
            ceilings: How many messages may go out in a minute and in a day.
            ask: What stands against messages in the instant at which they would go out.
            render: Puts messages into words, for endpoints that want them so.
            channels: The endpoint of each channel, for messages that name none but `default`.
            fall_back: Has messages that were given up go out otherwise.
            observe: Told of each finished attempt, for metrics.
            is_there: Whether the outbox still holds a message, asked in the instant in which a file gets it.
        """
        self._writer = writer
        self._endpoints = dict(endpoints)
        self._once_known = dict(endpoints)
        """Those too that are gone from the file: what was claimed for one still goes there."""
        self._wall = wall
        self._concurrency = concurrency
        self._timeout_s = timeout_s
        # Long enough that a slow receiver is not asked twice, short enough that a crash delays nothing for long.
        self._lease_us = int(2 * timeout_s * 1_000_000)
        self._look_every_s = look_every_s
        self._ceilings = ceilings
        self._ask = ask
        self._render = render
        self._channels = dict(channels)
        self._fall_back = fall_back
        self._observe = observe
        self._is_there = is_there
        self._finished: list[Attempt] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._load: Counter[str] = Counter()
        self._leases: dict[str, int] = {}
        """Until when each message is ours that is on its way, or whose answer is not settled yet."""
        self._quiet_until: dict[str, int] = {}
        self._breakers: defaultdict[str, Breaker] = defaultdict(Breaker)
        self._disabled: dict[str, str] | None = None
        self._awake = asyncio.Event()
        self._stopping = False

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """Where it sends to, by name."""
        return self._endpoints

    def replace_channels(self, channels: Channels) -> None:
        """Send to other endpoints from the next turn on; what is on its way gets where it was going."""
        before, self._endpoints = self._endpoints, dict(channels.endpoints)
        self._once_known |= self._endpoints
        self._channels = dict(channels.by_channel)
        # A new address is another chance.
        self._disabled = None
        for name, endpoint in self._endpoints.items():
            if endpoint != before.get(name):
                self._quiet_until.pop(name, None)
                self._breakers.pop(name, None)
        self.wake()

    def wake(self) -> None:
        """Say that something was enqueued and committed."""
        self._awake.set()

    def stop(self) -> None:
        """Claim nothing more; `run` then ends when all that is under way has been answered and settled."""
        self._stopping = True
        self._awake.set()

    async def run(self) -> None:
        """Deliver until stopped. While the database fails, what came back is kept until it can be written."""
        async with open_connections(timeout_s=self._timeout_s, is_there=self._is_there) as connections:
            try:
                while True:
                    self._awake.clear()
                    look_at = await self._turn_and_send(connections)
                    if self._stopping and not self._load.total() and not self._finished:
                        return
                    await asyncio.sleep(_REST_S)
                    await self._sleep_until(look_at)
            finally:
                for task in self._under_way:
                    task.cancel()

    def _recall(self, connection: Connection) -> dict[str, str]:
        """Return which endpoints are disabled, and say which messages wait for an endpoint that is not configured."""
        for name in sorted(outbox.waiting_for(connection) - self._endpoints.keys()):
            log.warning("messages are waiting for the endpoint %s, which is not configured", name)
        return disabled_endpoints(connection, self._endpoints)

    async def _turn_and_send(self, connections: Connections) -> int | None:
        """Take one turn and start what it claimed; return when the next message falls due, if one is known."""
        finished, self._finished = self._finished, []
        until = self._wall() + self._lease_us
        try:
            claims, look_at = await self._writer.write(partial(self._turn, finished))
        except Exception:
            # Full disk, locked database: nothing is lost, the answers are settled by a later turn.
            self._finished = finished + self._finished
            log.exception("the outbox could not be written; trying again")
            await asyncio.sleep(_REST_AFTER_FAILURE_S)
            return self._wall()
        for each in finished:
            self._leases.pop(each.claim.message_id, None)
            self._observe(each)
        for claim in claims:
            self._leases[claim.message_id] = until
            self._load[claim.endpoint] += 1
            task = asyncio.create_task(self._deliver(connections, claim))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return look_at

    def _turn(self, finished: Sequence[Attempt], connection: Connection) -> tuple[list[Claim], int | None]:
        """Settle what finished, and claim what is due and has room. Runs inside a transaction that may be repeated."""
        at = self._wall()
        outbox.route(connection, self._channels)
        if self._disabled is None:
            self._disabled = self._recall(connection)
        outbox.settle(connection, finished)
        # The clock went ahead, or the machine slept: whoever is being told is not told twice.
        if late := [message_id for message_id, until in self._leases.items() if until <= at]:
            outbox.renew(connection, late, until=at + self._lease_us)
        given_up = [each.claim.message_id for each in finished if each.follows.status is Status.DEAD]
        for each in finished:
            if each.follows.gone:
                endpoint = self._once_known[each.claim.endpoint]
                self._disabled[endpoint.name] = disable(connection, endpoint, at=each.at)
        ended = [*given_up, *self._bury(connection, at)]
        if ended and self._fall_back(connection, ended, at):
            outbox.route(connection, self._channels)
        if self._stopping:
            return [], None
        if is_paused(connection):
            return [], at + _LOOK_AGAIN_US
        claims, look_at = self._claim(connection, self._endpoints.keys() - self._disabled, at)
        # There may be more of them, and the next channel may lead to an endpoint that is gone, too.
        return claims, at if ended else look_at

    def _bury(self, connection: Connection, at: int) -> list[str]:
        """Give up what waits for endpoints that are gone, some of it at a time; return the ids."""
        gone = (self._disabled or {}).items()
        return [
            message_id
            for name, error in gone
            for message_id in outbox.bury(connection, name, error=error, at=at, at_most=_BURIED_AT_ONCE)
        ]

    def _claim(self, connection: Connection, open_to: set[str], at: int) -> tuple[list[Claim], int | None]:
        """Claim for each endpoint as many messages as it has room for; return them, and when more may become due."""
        claims: list[Claim] = []
        idle: list[str] = []
        claimed, again = 0, False
        left = self._ceilings.room(connection, at)
        for name in open_to:
            room = self._room(name, at)
            if left is not None:
                room = min(room, left - claimed)
            if room <= 0:
                continue
            renders = self._endpoints[name].renders
            at_most = min(room, _RENDERED_AT_ONCE) if renders else room
            taken, moved = self._take(connection, name, at_most, at)
            if len(taken) < room:
                idle.append(name)
            if renders:
                taken, unsaid = self._in_words(connection, taken, at)
                moved = moved or unsaid
            again = again or moved
            claimed += len(taken)
            claims += taken
        self._ceilings.count(connection, claimed, at)
        if left is not None and claimed >= left:
            return claims, at + _LOOK_AGAIN_US
        if again:
            return claims, at
        moments = [until for name in open_to if (until := self._closed_until(name)) > at]
        due = outbox.next_due(connection, idle)
        return claims, min([*moments, *([] if due is None else [due])], default=None)

    def _take(self, connection: Connection, name: str, at_most: int, at: int) -> tuple[list[Claim], bool]:
        """Return what may go out, and whether something that may not goes out otherwise."""
        withdrawn: list[str] = []

        def ask(connection: Connection, message_ids: Sequence[str]) -> Mapping[str, Obstacle]:
            found = self._ask(connection, message_ids)
            withdrawn.extend(message_id for message_id, each in found.items() if each.wait_us is None)
            return found

        claims = take(connection, name, at_most=at_most, at=at, lease_us=self._lease_us, ask=ask)
        return claims, bool(withdrawn) and self._fall_back(connection, withdrawn, at) > 0

    def _in_words(self, connection: Connection, claims: list[Claim], at: int) -> tuple[list[Claim], bool]:
        """Return what can be said, and whether something goes out otherwise because it cannot be said so."""
        said = in_words(connection, claims, self._render, at=at)
        words = {each.message_id for each in said}
        unsaid = [each.message_id for each in claims if each.message_id not in words]
        return said, bool(unsaid) and self._fall_back(connection, unsaid, at) > 0

    def _room(self, name: str, at: int) -> int:
        """Return for how many more messages an endpoint has room at a moment in microseconds."""
        if self._closed_until(name) > at:
            return 0
        under_way = self._load[name]
        room = (self._endpoints[name].concurrency or self._concurrency) - under_way
        tried = self._breakers[name].room(at, under_way)
        return room if tried is None else min(room, tried)

    def _closed_until(self, name: str) -> int:
        """Return until when an endpoint gets nothing: it asked for quiet, or failed several times in a row."""
        return max(self._quiet_until.get(name, 0), self._breakers[name].open_until)

    async def _deliver(self, connections: Connections, claim: Claim) -> None:
        done = await attempt(connections, claim, self._once_known[claim.endpoint], self._wall)
        self._load[claim.endpoint] -= 1
        if self._breakers[claim.endpoint].answered(done.answer, done.at + done.duration_us):
            log.warning(
                "the endpoint %s failed several times in a row and is left in peace for a while", claim.endpoint
            )
        if done.follows.quiet_until is not None:
            self._quiet_until[claim.endpoint] = done.follows.quiet_until
        if done.follows.status is not Status.DELIVERED:
            log.info(
                "message %s, attempt %d to %s: %s", claim.message_id, claim.attempt, claim.endpoint, done.answer.error
            )
        self._finished.append(done)
        self._awake.set()

    async def _sleep_until(self, moment: int | None) -> None:
        """Wait to be woken, until the moment, or until it is time to look unasked."""
        wait_s = self._look_every_s if moment is None else min((moment - self._wall()) / 1_000_000, self._look_every_s)
        if wait_s > 0:
            try:
                await asyncio.wait_for(self._awake.wait(), wait_s)
            except TimeoutError:
                return
