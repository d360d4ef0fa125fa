"""One turn of the loop: log, fold, score, decide and write down a batch, in one transaction."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from features.events import Event, user_key
from features.kinds import Kind
from policy.reasons import Action, Reason
from policy.triggers import Trigger
from serving import attribution, ledger
from serving.cancellations import is_pointless
from serving.clock import wall
from serving.fallback import FallingBack
from serving.folding import Folding
from serving.items import Answer, Arrival, Due, Fate, Ingested, Item, Job, Question, UserIds
from serving.ledger import DecisionRow
from serving.log import Appended, Appender, decision_id, event_at
from serving.memberships import Memberships
from serving.occasions import due_occasion, occasion_of
from serving.past import state_at
from serving.people import People, Person
from serving.policy_change import end
from serving.profiles import Profiles, tells
from serving.recheck import reconsider
from serving.rounds import BOT, Round
from serving.standings import is_lesson
from serving.timers import AT_ONCE, Timer, Timers
from serving.tracking import Gate
from serving.unknown_names import count_unknown
from serving.verdicts import Verdicts
from serving.work import Asked, Reading, Tools, Work


class Batch:
    """A batch of items; `run` answers them in order, all or none."""

    def __init__(self, connection: Connection, tools: Tools, *, writes: bool) -> None:
        """Prepare; a batch that does not write holds only questions, and needs no transaction."""
        self._connection = connection
        self.writes = writes
        self._tools = tools
        self._people = People(connection)
        self._appender = Appender(connection, self._people, "replay" if tools.clock.replay else "live")
        self._gate = Gate(connection, self._people, tools.tracking) if tools.tracking is not None else None
        self._profiles = Profiles(connection)
        self._memberships = Memberships(connection, tools.policy, tools.scorer, self._profiles)
        self._timers = Timers(connection, tools.timing, next_due=tools.next_due)
        self._rows: list[DecisionRow] = []
        self._sends = False
        self._pending: set[int] = set()
        self._due: list[Timer] = []
        self._ended = 0
        self._work = Work()
        self._folding = Folding(tools.keeper, hours=tools.scorer.send_hours is not None)

    @property
    def has_messages(self) -> bool:
        """Whether the outbox got something to send."""
        return self._sends or bool(self._memberships.messages)

    @property
    def decisions(self) -> list[tuple[str, str]]:
        """Action and reason of each decision."""
        decided = [(each.action, each.reason) for each in self._rows]
        if self._ended:
            decided += [(Action.HOLD.value, Reason.POLICY_CHANGED.value)] * self._ended
        return decided

    @property
    def unread_traits(self) -> Sequence[str]:
        """Traits that features are made of, each as often as it was told as what cannot be read."""
        return self._folding.unread

    def run(self, items: Sequence[Item]) -> list[Any]:
        """Return the answer to each item; nothing is committed yet."""
        # What came together may happen in any order, and a job sees only what is written down: it comes first.
        done = {i: self._do(each) for i, each in enumerate(items) if isinstance(each, Job)}
        self._prepare(items)
        entered = [done[i] if i in done else self._enter(each) for i, each in enumerate(items)]
        if self._gate is not None and self.writes:
            self._gate.save()
        self._settle()
        if self.writes:
            self._finish()
        if self.writes:
            # What a timer was thought to be due for may be over: whoever came for it looks when to come again.
            self._tools.next_due = self._timers.next_due(looks=any(isinstance(each, Due) for each in items))
        return [self._answer(each) if isinstance(each, Asked) else each for each in entered]

    def save_states(self) -> None:
        """Hand on the changed and the rebuilt states, to be stored; for after the commit."""
        self._folding.save(self._people.known())

    def _prepare(self, items: Sequence[Item]) -> None:
        questions = [each for each in items if isinstance(each, Question)]
        events = [event for each in items if isinstance(each, Arrival) for event in each.events]
        events += [each.event for each in questions if each.event is not None]
        if events:
            self._appender.prepare(events)
        keys = [user_key(*ids) for each in questions for ids in each.users]
        self._people.find(keys)
        if self._gate is not None:
            self._gate.prepare(events, keys)
        self._find_due(items, events)
        self._folding.load(self._connection, self._people.known(), most_new=len(events))

    def _do(self, job: Job) -> Any:
        answer = job.run(self._connection)
        self._timers.look()  # It may have let somebody wait.
        return answer

    def _enter(self, item: Item) -> Any:
        match item:
            case Question():
                return self._ask(item)
            case Arrival():
                before = len(self._work.unknown)
                fates = Counter(self._take(event, asked=False)[0] for event in item.events)
                return Ingested(*[*(fates[each] for each in Fate), len(self._work.unknown) - before])
            case Due():
                return sum(self._fire(each) for each in self._due)

    def _settle(self) -> None:
        """Score, decide and write down what was read since the last time."""
        tools = self._tools
        self._pending.clear()
        done = Round(tools, self._work)
        rows = self._folding.run()
        done.score(rows, self._folding.hours)
        for person in self._people.known():
            if person.changed and person.excluded is None and self._folding.is_inhuman(person):
                person.excluded = BOT
        done.exclude(self._folding.inhuman_reads)
        verdicts = Verdicts(self._connection, tools.policy, tools.scorer, self._timers, self._profiles, tools.pools)
        done.decide(verdicts, self._appender, writes=self.writes)
        done.write(self._connection, verdicts, writes=self.writes)
        self._rows += verdicts.rows
        self._sends |= bool(verdicts.messages)

    def _write_events(self) -> None:
        """Write the events taken so far for whoever reads the log; what was to be decided before them is, first."""
        if self._appender.has_unsaved:
            self._settle()

    def _settle_if(self, *people: Person | None) -> None:
        """Settle if a decision of one of these, in a replay of anybody, may let something wait, or end."""
        concerned = self._tools.clock.replay or any(each is not None and each.no in self._pending for each in people)
        if self._pending and concerned:
            self._settle()

    def _find_due(self, items: Sequence[Item], events: Sequence[Event]) -> None:
        """Look up the timers that may fire in this batch, and whose they are."""
        clock = self._tools.clock
        if clock.replay and self.writes:
            moments = [each.at for each in items if isinstance(each, Question) and each.at is not None]
            moments += [each.occurred_at for each in events]
            self._due = self._timers.due(max(moments, default=0))
        elif any(isinstance(each, Due) for each in items):
            self._due = self._timers.due(clock.now(), at_most=AT_ONCE)
        self._people.find(each.user_key for each in self._due)

    def _accept(self, moment: int) -> None:
        """Let the clock hear of a moment; in a replay, what is due until then happens before."""
        clock = self._tools.clock
        if clock.replay and self.writes:
            self._settle_if()
            # One at a time: what a timer lets happen may change which one is next.
            while moment > clock.now() and (timer := self._first_due(moment)):
                self._fire(timer)
                self._settle_if()
        clock.accept(moment)

    def _first_due(self, moment: int) -> Timer | None:
        if not self._timers.may_be_due(moment):
            return None
        self._write_events()  # Whose timers this batch armed may be new.
        found = self._timers.first_due(moment)
        if found is not None:
            self._people.find([found.user_key])  # They may have come under another id of theirs.
        return found

    def _fire(self, timer: Timer) -> bool:
        """Let a timer that is due fire, unless the person was active since; return whether it did."""
        tools, trigger = self._tools, self._tools.timing.of(timer.trigger, timer.step)
        person = self._people.get(timer.user_key)
        self._settle_if(person)
        if trigger is not None and trigger.inactive_for is not None and person is not None and timer.step == 0:
            quiet_until = person.last_seen_at + trigger.waits_us
            if quiet_until > timer.due_at:
                self._timers.begin_anew(timer, quiet_until)
                return False
        if trigger is None:
            tools.clock.accept(timer.due_at)
            self._ended += end(self._connection, [timer], tools)
            return False
        if not self._timers.take(timer) or person is None:
            return False
        self._write_events()  # What this batch took just before may have armed it.
        armed_by = event_at(self._connection, timer.event_seq)
        if armed_by is None:
            return False
        tools.clock.accept(timer.due_at)
        at = tools.ticks.next()
        occasion = due_occasion(timer, person, armed_by, at=at, until=self._appender.position)
        reading = Reading(person, at, decision_id(at), keep=True, occasion=occasion)
        if is_pointless(self._connection, tools.policy, trigger, occasion):
            reading.cancelled = ((trigger, timer.step),)
        else:
            reading.triggers = (trigger,)
        self._read(reading)
        return True

    def _barred(self, event: Event) -> Fate | None:
        """Return why an event must not be written down; None if it may be."""
        fate = self._appender.barred(event)
        if fate is not None or self._gate is None:
            return fate
        at = min(event.occurred_at, wall())
        if self._gate.admits(event, at=at):
            return None
        # What waits by then ends with a refusal, also what a decision before it is still to let wait.
        self._settle_if(*self._appender.named(event))
        moment = max(at, self._tools.clock.now())
        self._timers.save()  # Whoever refuses now does not wait for what they did before, in this batch either.
        self._work.lessons += self._gate.left(event, seq=self._appender.position, known_at=moment)
        return Fate.UNTRACKED

    def _take(self, event: Event, *, asked: bool) -> tuple[Fate, Appended | None]:
        """Log and fold an event, unless it is barred. Where anybody asks, or a trigger, it is evaluated too."""
        tools = self._tools
        barred = self._barred(event)
        if barred is not None:
            return barred, None
        if tools.clock.replay:
            self._accept(event.occurred_at)
        if self._pending:
            self._settle_if(*self._appender.named(event))
        tick = tools.ticks.next()
        added = self._appender.append(event, earliest=tick, received_at=wall())
        at = added.known_at
        if at > tick:
            tools.ticks.reach(at)
        self._folding.fold(added)
        self._gather(added)
        triggers, cancelled = self._asked_by(added)
        if asked or triggers or cancelled:
            self._read(
                Reading(
                    added.person,
                    at,
                    decision_id(at),
                    keep=True,
                    event_seq=added.seq,
                    occasion=occasion_of(added),
                    triggers=triggers,
                    cancelled=cancelled,
                )
            )
        if touched := self._memberships.touched_by(added):
            self._note(added, touched, is_read=bool(asked or triggers or cancelled))
        return Fate.ACCEPTED, added

    def _gather(self, added: Appended) -> None:
        """Put aside what an event means for all but the state of its person."""
        event = added.event
        if added.merged is not None:
            self._work.links.append(added)
            self._work.joined.append(added)
        if is_lesson(added):
            self._work.lessons.append(added)
        if tells(added):
            self._profiles.hear(added)
        if event.kind is Kind.ORDER_COMPLETED:
            self._work.orders.append(attribution.order_of(added))
        elif event.kind is Kind.OTHER:
            self._work.unknown.append(event.name)
        elif event.kind in attribution.RESPONSES:
            self._work.responses += attribution.responses_of(added)

    def _asked_by(self, added: Appended) -> tuple[Sequence[Trigger], Sequence[tuple[Trigger, int]]]:
        """Return the triggers that an event asks, and the steps that it cancels; let timers be armed by it."""
        if added.by_machine:
            return (), ()
        reaction = self._tools.timing.reaction_to(added.event.kind, added.event.name)
        if reaction.cancelling:
            self._work.recalling.append(added)
        return reaction.deciding, self._timers.heed(added, reaction)

    def _note(self, added: Appended, touched: tuple[str, ...], *, is_read: bool) -> None:
        """Let segments be looked at; what they ask of the person's state is read now, unless it `is_read` already."""
        watched = self._memberships.is_watched(touched)
        if watched and not is_read:
            self._read(Reading(added.person, added.known_at, decision_id(added.known_at), keep=False))
        self._memberships.note(added, touched, len(self._work.readings) - 1 if watched else None)

    def _read(self, reading: Reading) -> None:
        """Read the features of a person as the batch knows them at this point."""
        person = reading.person
        reading.row = self._folding.read(person, reading.at)
        reading.seq = person.last_seq if person else 0
        self._work.readings.append(reading)
        if person is None:
            return
        if reading.occasion is not None and reading.occasion.run is not None:
            self._pending.add(person.no)
        for each in reading.triggers:
            if each.goes_on:
                self._pending.add(person.no)

    def _ask(self, question: Question) -> Asked:
        tools = self._tools
        if question.at is not None:
            self._accept(question.at)
        fate, added = self._take(question.event, asked=True) if question.event is not None else (None, None)
        # What came due before has readings of its own.
        first = len(self._work.readings)
        if added is not None:
            return Asked(question, added.known_at, first - 1, fate)
        tick = tools.ticks.next()
        past = question.at is not None and question.at < tools.clock.now()
        at = question.at if past and question.at is not None else tick
        for i, ids in enumerate(question.users):
            key = user_key(*ids)
            is_open = self._gate is None or self._gate.is_open(key)
            person = self._people.get(key) if is_open else None
            keep = question.keep and person is not None and _drawn(tick + i) < tools.score_sample
            reading = Reading(person, at, decision_id(tick, i), keep, untracked=not is_open)
            if past and is_open:
                self._read_past(reading, ids)
            else:
                self._read(reading)
        return Asked(question, at, first, fate)

    def _read_past(self, reading: Reading, ids: UserIds) -> None:
        """Read features from the log; what an id was before it was linked is not written down under its new owner."""
        self._write_events()  # What this batch took just before may have been known then.
        found = state_at(self._connection, user_key(*ids), reading.at)
        reading.features, reading.seq, reading.hours = found.features, found.seq, found.hours
        reading.keep &= reading.person is not None and found.user_no == reading.person.no
        self._work.readings.append(reading)

    def _finish(self) -> None:
        """Do what is done once for all that a batch took."""
        now = wall()
        ledger.write(self._connection, self._tools.unwritten, [])
        self._memberships.settle(self._work.scores)
        self._memberships.send(at=now)
        # Last: until here what is stored is what was known before the batch.
        self._profiles.save()
        concerned = self._work.concerned.union(each.person.no for each in self._work.recalling)
        if concerned:
            ended = reconsider(self._connection, self._tools.policy, concerned, at=self._tools.clock.now())
            if ended:
                fall_back = FallingBack(lambda: self._tools.policy, self._tools.clock.now)
                self._sends |= fall_back(self._connection, ended, now) > 0
        orders = [*self._work.orders, *attribution.ordered_before(self._connection, self._work.joined)]
        attribution.attribute(self._connection, orders)
        attribution.respond(self._connection, self._work.responses)
        if self._work.unknown:
            seen = Counter(self._work.unknown)
            count_unknown(self._connection, seen, at=now, nearest=self._tools.nearest)

    def _answer(self, asked: Asked) -> Answer:
        scorer, question = self._tools.scorer, asked.question
        scores = self._work.scores[asked.first : asked.first + max(1, len(question.users))]
        for score in scores:
            score.fate = asked.fate
            if question.explain:
                score.explain = scorer.explain(score.features)
        return Answer(asked.at, scorer.used, self._tools.policy.version, scores)


def _drawn(tick: int) -> float:
    """Return a number in [0, 1) that a tick always draws: the golden ratio's multiples, spread evenly (Knuth)."""
    return (tick * 2_654_435_761 & 0xFFFFFFFF) / 2**32
