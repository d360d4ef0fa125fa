"""The batch loop: whatever arrived while the last batch ran is the next batch."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy import Engine as Database

from features.events import Event
from policy.policy import Policy
from policy.reasons import Action, Reason
from policy.timing import Timing, timing
from serving.backlog import Backlog, Waiting, answer_all
from serving.batch import Batch
from serving.checkpoints import LAST_RESORT, MOST_PAGES, PAUSE_S
from serving.clock import wall
from serving.database import CHECKPOINT, for_writing
from serving.driver import driver
from serving.erasure import Erased, erase
from serving.errors import InvalidField, NotReady, NotWritable, WrittenElsewhere
from serving.facts import set_fact
from serving.flushes import flushes_of
from serving.items import Answer, Arrival, Due, Ingested, Item, Job, Question, UserIds
from serving.later import Later
from serving.mentions import Rejects
from serving.metrics import Metrics
from serving.past import refuse_forgotten
from serving.policy_change import Change, end, put_in_service
from serving.rejects import Reject, keep_rejects
from serving.scorer import Scorer
from serving.segments import Tended, tend
from serving.shadow import Shadow
from serving.timers import Timer, Timers
from serving.work import Tools
from serving.write_lock import TRY_AGAIN_S, WriteLock, blamed

T = TypeVar("T")
MOST_UNWRITTEN, UNWRITTEN_FOR_S = 256, 1.0
MOST_STATES, STATES_FOR_S = 64, 0.02
"""Changed states go to the online store so many at a time, or so long after the first of them, whatever is sooner."""
ENOUGH, PATIENCE_S = 16, 0.004
"""So many people are worth a turn while the disk still works for the last one; fewer are once they waited so long."""
RETRY_AFTER_S, LONGEST_WAIT_S = 1.0, 3600.0
_log = logging.getLogger(__name__)


class Engine:
    """The only writer of its database: takes items from the event loop, and answers them once they are durable."""

    def __init__(self, database: Database, tools: Tools, metrics: Metrics, *, on_messages: Callable[[], None]) -> None:
        """Open the one connection; `on_messages` is called when the outbox got something to send."""
        self._connection = for_writing(database).connect()
        self._driver = driver(self._connection)
        self._lock = WriteLock(self._driver)
        self._driver.execute(LAST_RESORT).fetchall()
        self._flushes = flushes_of(self._driver)
        self._tools = tools
        self._metrics = metrics
        self._on_messages = on_messages
        self._waiting = Backlog()
        self._flushing = Later(self._flush)
        self._storing = Later(self._store_states)
        self._firing = Later(self._ask_due)
        self._impatient = Later(self._begin_turn)
        self._is_due_asked = self._busy = self._closed = False
        self._worked_at = 0.0
        self.store_error: str | None = None
        """Why the online store did not take the latest states; None if it did."""
        self.trouble: Exception | None = None
        """Why the last that was to be written could not be; None if it was."""
        tools.next_due = Timers(self._connection, tools.timing).look()
        self._roll_back()
        metrics.gauge("queue_depth", "Requests that wait for the next batch.", lambda: len(self._waiting))
        metrics.models = lambda: tools.scorer.versions
        metrics.challengers = lambda: tools.scorer.shadow.standing

    async def score(
        self,
        users: Sequence[UserIds],
        *,
        event: Event | None = None,
        at: int | None = None,
        explain: bool = False,
        keep: bool = True,
    ) -> Answer:
        """Take the event in durably, if there is one, and score the users.

        Args:
            users: Who is asked about; with an event, whose it is.
            event: What just happened.
            at: As of which moment, in microseconds; the present one if None.
            explain: Whether to say which features moved the scores.
            keep: Whether the answer to a question without an event may be sampled into the ledger.

        Raises:
            InvalidField: `at` is in the future, or before what the log still holds.
            Overloaded, WrittenElsewhere, NotReady: Too many wait, another process writes, or the engine is closed.
        """
        clock = self._tools.clock
        if at is not None and not clock.replay and at > clock.now():
            raise InvalidField("at: is in the future.", field="at")
        if at is not None:
            refuse_forgotten(self._connection, at)
        answer: Answer = await self._submit(Question(users, event, at, explain, keep))
        return answer

    async def ingest(self, events: Sequence[Event]) -> Ingested:
        """Return once the events are durable (Overloaded, WrittenElsewhere, NotReady)."""
        ingested: Ingested = await self._submit(Arrival(events))
        return ingested

    async def write(self, job: Callable[[Connection], T]) -> T:
        """Run a function of the writing connection within the next transaction and return what it returns."""
        result: T = await self._submit(Job(job))
        return result

    async def erase(self, key: str, known: Rejects = Rejects()) -> Erased:  # noqa: B008 - it cannot be changed
        """Forget the person behind a key, under all their ids; see `serving.erasure`."""
        job = Job(lambda connection: erase(connection, self._tools, key, known), alone=True)
        erased: Erased = await self._submit(job)
        return erased

    async def tend_segments(self) -> Tended:
        """Look at some of those for whom time may have changed a segment; see `serving.segments`."""
        tended: Tended = await self._submit(Job(lambda connection: tend(connection, self._tools), alone=True))
        if tended.messages:
            self._on_messages()
        return tended

    async def set_aside(self, rejects: Sequence[Reject]) -> None:
        """Keep events that cannot be used, for whoever sent them to look at."""
        await self.write(lambda connection: keep_rejects(connection, rejects))

    def try_to_write(self) -> None:
        """Write what does not matter, to find out whether that is possible by now."""
        self._submit_alone(Job(lambda connection: set_fact(driver(connection), "tried_to_write", str(wall()))))

    def start(self) -> None:
        """Let timers fire from now on, those that came due while nobody was there first."""
        self._await_due()

    def now(self) -> int:
        """Return the present moment on the engine's clock, in microseconds."""
        return self._tools.clock.now()

    @property
    def policy(self) -> Policy:
        """The policy that decides."""
        return self._tools.policy

    @property
    def shadow(self) -> Shadow:
        """The challengers."""
        return self._tools.scorer.shadow

    async def replace_policy(self, policy: Policy) -> Change | None:
        """Decide by another policy from the next batch on; return what is different, None where nothing is."""
        put = partial(put_in_service, policy=policy, at=wall())
        change: Change | None = await self._submit(Job(put, True, partial(self._decide_by, policy, timing(policy))))
        return change

    async def end(self, timers: Sequence[Timer]) -> int:
        """End timers that no trigger knows any more, each with a decision; return how many still waited."""
        ended = await self.write(partial(end, timers=timers, tools=self._tools))
        self._metrics.decisions[Action.HOLD.value, Reason.POLICY_CHANGED.value] += ended
        return ended

    def replace_models(self, scorer: Scorer) -> None:
        """Score with other models from the next batch on."""
        self._tools.scorer = scorer

    async def flush(self) -> None:
        """Return once everything that was answered is written down, the plain scores that the ledger keeps too."""
        await self.write(lambda _: None)
        self._store_states()

    def finish_checkpoint(self, pages: int) -> None:
        """Copy what is left of the write-ahead log: in a pause, or at once where it has grown to many `pages`."""
        if self._closed or (pages < MOST_PAGES and monotonic() - self._worked_at < PAUSE_S):
            return
        try:
            self._driver.execute(CHECKPOINT).fetchall()
        except Exception:  # noqa: BLE001 - full disk, damaged file: the next commit says it to whoever waits for it
            _log.exception("the write-ahead log could not be copied")

    def close(self) -> None:
        """Answer everything that waits, then refuse whatever comes."""
        self._closed = True
        if self._flushes is not None:
            self._flushes.finish()
            self._flushes = None
        while waiting := self._waiting.take():
            self._one_by_one(waiting)
        if self._tools.unwritten:
            try:
                self._write([Job(lambda _: None)])
            except Exception:  # noqa: BLE001 - they are a sample, and the rest of the stop must go on
                _log.exception("the latest plain scores could not be written down")
        self._store_states()
        self._connection.close()

    def _submit(self, item: Item) -> "asyncio.Future[Any]":
        if self._closed:
            raise NotReady("The server is stopping.")
        future = self._waiting.add(item)
        self._schedule()
        return future

    def _schedule(self) -> None:
        """Take the next turn after one more look at the sockets: whoever was just answered may ask again.

        While the disk works, few wait for it a moment, too: a turn of one costs half of what a turn of ten does.
        """
        if self._flushes is not None and self._flushes.under_way and self._waiting.people < ENOUGH:
            if self._waiting:
                self._impatient.within(PATIENCE_S)
        else:
            self._begin_turn()

    def _begin_turn(self) -> None:
        self._impatient.cancel()
        if not self._busy and self._waiting and not self._closed:
            self._busy = True
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self._turn)

    def _turn(self) -> None:
        waiting = self._waiting.take()
        if not waiting:
            self._rest()
            return
        self._worked_at = monotonic()
        self._metrics.batch_size.observe(len(waiting))
        items = [item for item, _ in waiting]
        self._is_due_asked = self._is_due_asked and not any(isinstance(each, Due) for each in items)
        writes = any(map(self._writes, items))
        try:
            answers = (self._write if writes else self._read)(items)
        except WrittenElsewhere as error:
            self._put_off(waiting, error)
            return
        except Exception:  # noqa: BLE001 - whatever it is, it is the answer of one item alone
            self._one_by_one(waiting)
        else:
            self._answer(waiting, answers, written=writes)
        self._rest()

    def _rest(self) -> None:
        self._busy = False
        if self._closed:
            return
        # While nothing can be written, more tries would only fill the log.
        if len(self._tools.unwritten) >= MOST_UNWRITTEN and self.trouble is None:
            self._flush()
        elif self._tools.unwritten:
            self._flushing.within(UNWRITTEN_FOR_S)
        self._await_due()
        self._schedule()

    def _await_due(self) -> None:
        """Come back when the next timer is due; in a replay what is asked moves the clock, and not the time of day."""
        due, clock = self._tools.next_due, self._tools.clock
        self._firing.cancel()
        if due is None or clock.replay or self._closed or self._is_due_asked:
            return
        delay_s = max((due - clock.now()) / 1e6, RETRY_AFTER_S if self.trouble else 0.0)
        self._firing.within(min(delay_s, LONGEST_WAIT_S))

    def _ask_due(self) -> None:
        self._is_due_asked = True
        self._submit_alone(Due())

    def _submit_alone(self, item: Item) -> None:
        """Let the next batch do something that nobody waits for."""
        if not self._closed:
            self._waiting.add_unasked(item)
            self._schedule()

    def _flush(self) -> None:
        self._flushing.cancel()
        if self._tools.unwritten:
            self._submit_alone(Job(lambda _: None))

    def _one_by_one(self, waiting: Sequence[Waiting]) -> None:
        """Give each item a transaction of its own: one bad item costs nobody else."""
        for each in waiting:
            item, writes = each[0], self._writes(each[0])
            try:
                answers = (self._write if writes else self._read)([item])
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
                self.trouble = blamed(error, before=self.trouble)
                answers = [self.trouble]
            self._answer([each], answers, written=writes)

    def _put_off(self, waiting: Sequence[Waiting], error: WrittenElsewhere) -> None:
        """Keep what wants to write for a moment, and answer what only asks."""
        self._one_by_one([each for each in waiting if not self._writes(each[0])])
        writing = [each for each in waiting if self._writes(each[0])]
        if self._lock.is_worth_waiting_for():
            self._waiting.put_back(writing)
            asyncio.get_running_loop().call_later(TRY_AGAIN_S, self._turn)
        else:
            self.trouble = error
            answer_all(writing, [error] * len(writing))
            self._rest()

    def _answer(self, waiting: Sequence[Waiting], answers: Sequence[Any], *, written: bool) -> None:
        """Answer items; those that write once what they wrote is durable."""
        if written and self._flushes is not None:
            self._flushes.after(partial(self._answer_durable, waiting, answers))
        else:
            answer_all(waiting, answers)

    def _answer_durable(self, waiting: Sequence[Waiting], answers: Sequence[Any], error: OSError | None) -> None:
        if error is not None:
            # It may be in the log all the same: whoever tells it again is told that it is known.
            self.trouble = NotWritable()
            answers = [self.trouble] * len(waiting)
        answer_all(waiting, answers)
        self._schedule()

    def _writes(self, item: Item) -> bool:
        if not isinstance(item, Question) or item.event is not None:
            return True
        # Asking about a later moment of a replay lets happen what is due until then.
        return item.at is not None and self._tools.clock.replay and bool(self._tools.timing.by_name)

    def _read(self, items: Sequence[Item]) -> list[Any]:
        """Answer items that only ask, about the last commit, whoever else is writing."""
        batch = Batch(self._connection, self._tools, writes=False)
        try:
            self._driver.execute("BEGIN")  # SQLAlchemy would begin as for writing, where it is asked.
            answers = batch.run(items)
        finally:
            self._roll_back()
        self._finish(batch)
        return answers

    def _write(self, items: Sequence[Item]) -> list[Any]:
        """Answer items in a transaction of their own."""
        before = self._driver.total_changes
        try:
            self._lock.begin()
            batch = Batch(self._connection, self._tools, writes=True)
            answers = batch.run(items)
            self._commit()
            last = items[-1]
            if isinstance(last, Job) and last.committed is not None:
                last.committed()
        except BaseException:
            self._roll_back()
            raise
        # One that wrote nothing needs no room on a disk, and tells nothing of it.
        if self._driver.total_changes > before or not isinstance(self.trouble, NotWritable):
            self.trouble = None
        self._tools.unwritten.clear()
        self._finish(batch)
        return answers

    def _decide_by(self, policy: Policy, found: Timing) -> None:
        self._tools.policy, self._tools.timing = policy, found
        self._tools.next_due = Timers(self._connection, found).look()

    def _commit(self) -> None:
        (self._connection if self._connection.in_transaction() else self._driver).commit()

    def _roll_back(self) -> None:
        self._connection.rollback()
        self._driver.rollback()

    def _finish(self, batch: Batch) -> None:
        """Do what follows a commit."""
        batch.save_states()
        if self._tools.keeper.unwritten >= MOST_STATES:
            self._store_states()
        elif self._tools.keeper.unwritten:
            self._storing.within(STATES_FOR_S)
        self._metrics.decisions.update(batch.decisions)
        self._metrics.unread_traits.update(batch.unread_traits)
        self._metrics.rebuilt_states = self._tools.keeper.rebuilt
        if batch.has_messages:
            self._on_messages()

    def _store_states(self) -> None:
        self._storing.cancel()
        try:
            self._tools.keeper.write()
        except Exception as error:  # noqa: BLE001 - whatever a store may raise
            # The log has it all; a state that is behind it is rebuilt when next read.
            if self.store_error is None:
                _log.exception("the online store did not take the latest states")
            self.store_error = str(error) or type(error).__name__
        else:
            self.store_error = None
