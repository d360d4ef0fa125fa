"""The policy's part of a batch: ask every trigger that an event concerns, and write down what it said."""

from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection

from features.moments import to_moment
from models.horizon import UPLIFT
from policy.caps import Sent
from policy.decide import Facts, Verdict
from policy.findings import Finding, findings
from policy.guards import TRANSACTIONAL
from policy.in_arms import decide_in_arm
from policy.policy import Policy
from policy.reasons import Action, Reason
from policy.runs import Run
from policy.send_hours import prior_hours
from policy.timing import follows, run_of, to_come
from policy.triggers import Trigger
from serving import outbox
from serving.codes import Code, Holder, Pools, with_code
from serving.cooldowns import Cooldowns
from serving.draws import pack as pack_draws
from serving.findings import pack
from serving.items import Decided, Score
from serving.ledger import DecisionRow
from serving.log import Appended
from serving.message import Message, compose
from serving.occasions import Occasion
from serving.profiles import Profiles
from serving.scorer import Scorer
from serving.standings import Standings
from serving.timers import Timers
from serving.views import PersonView, asked_by

_CANCELLED, _DRY_RUN, _STALE_EVENT = Reason.CANCELLED, Reason.DRY_RUN, Reason.STALE_EVENT
_SEND: Final = Action.SEND
_WORDS: Final = {each: each.value for each in (*Action, *Reason)}
"""Plain texts: asking a member of an enumeration for its value is slow in Python 3.11."""


class Verdicts:
    """The decisions of one batch; each is made with what the ones before it left behind."""

    def __init__(
        self,
        connection: Connection,
        policy: Policy,
        scorer: Scorer,
        timers: Timers,
        profiles: Profiles,
        pools: Pools,
    ) -> None:
        """`scorer` holds the models in service; `timers` and `profiles` are those of the batch; `pools` have codes."""
        self._connection = connection
        self._policy = policy
        self._models = scorer.versions
        self._deciles = scorer.deciles
        self._learned = scorer.learned
        self._timers = timers
        self._profiles = profiles
        self._pools = pools
        self._cooldowns = Cooldowns(connection)
        self._links: deque[Appended] = deque()
        self._standings = Standings(connection, policy.watch)
        self.messages: list[Message] = []
        self.rows: list[DecisionRow] = []

    def prepare(self, asking: Sequence[Occasion], links: Sequence[Appended], lessons: Sequence[Appended]) -> None:
        """Look up what the guards look at, and when the triggers last fired for the people of these events.

        Args:
            asking: Everything that `decide` will be asked about.
            links: The events of the batch that revealed two people to be one, in order.
            lessons: The events of the batch that may change what guards look at, in order.
        """
        earliest = min((each.at for each in asking), default=0)
        self._standings.prepare([each.person for each in asking], lessons, at=earliest)
        if not asking:
            return
        # Saving the people lets the cool-downs of an id follow its link, for all events of the batch alike.
        self._cooldowns.prepare({no for each in links if each.merged for no in (each.person.no, each.merged.no)})
        self._links.extend(links)

    def decide(
        self,
        asking: Occasion,
        triggers: Sequence[Trigger],
        score: Score,
        decision_id: str,
    ) -> list[Decided]:
        """Return what each of these triggers says to an occasion; asked in the order of the log."""
        if self._links:
            self._follow_links(until=asking.until)
        person = asking.person
        facts = Facts(
            asking.unit,
            asking.at,
            asking.since,
            score.intent,
            self._cooldowns.of(person.no),
            asking.excluded,
            self._standings.of(person, until=asking.until, asking=asking),
            partial(self._view, asking, score),
            prior_hours if score.hours is None else score.hours.hours,
            score.uplifts,
            partial(self._pending, asking),
        )
        decided = []
        for trigger in triggers:
            run = asking.run or run_of(trigger, asking.event.payload)
            if run is None:  # The event does not say which cart or product it is about.
                continue
            (mine, verdict), code = decide_in_arm(trigger, facts, run), None
            found = findings(mine, facts, run, verdict)
            if trigger.gives_codes and verdict.fired:
                holder = Holder(asking.event_seq, trigger.name, run.key, person.no)
                verdict, code = with_code(self._pools, self._connection, trigger, run, holder, verdict, at=asking.at)
            if verdict.fired:
                self._remember(asking, trigger, run, verdict)
            if trigger.goes_on:
                self._go_on(asking, trigger, run, verdict, decision_id)
            decided.append(self._record(asking, trigger, run, verdict, decision_id, found, code))
        return decided

    def _pending(self, asking: Occasion, trigger: str, key: str) -> list[Sent]:
        """Return what waits for its moment beside what a trigger decides, which takes the place of its own."""
        found = self._timers.put_off(asking.person.no, beside=(trigger, key))
        return [sent for each in found for sent in to_come(*each, excluded=asking.excluded)]

    def _view(self, asking: Occasion, score: Score) -> PersonView:
        return PersonView(
            self._connection,
            asking.person,
            score.features,
            score.intent,
            at=asking.at,
            timezone=asking.timezone,
            event=asked_by(asking),
            message=None if asking.run is None else asking.run.message,
            profiles=self._profiles,
            policy=self._policy,
            deciles=self._deciles,
            learned=self._learned,
            hours=prior_hours if score.hours is None else score.hours.hours,
        )

    def _remember(self, asking: Occasion, trigger: Trigger, run: Run, verdict: Verdict) -> None:
        """Let a trigger cool down, and count its messages for the caps, withheld or not, unless it escapes them."""
        self._cooldowns.fire(asking.person.no, trigger.cools(run.key), asking.at)
        if verdict.reason is not _DRY_RUN and trigger.message_class != TRANSACTIONAL:
            for channel in verdict.channels:
                self._standings.sent(asking.person.no, Sent(asking.at, channel, trigger.name))

    def _go_on(self, asking: Occasion, trigger: Trigger, run: Run, verdict: Verdict, decision_id: str) -> None:
        """Let a trigger wait for what follows its decision, which takes the place of what waited before."""
        number = asking.person.no
        # What came too late says nothing of what waits since.
        if not run.is_due and verdict.reason is not _STALE_EVENT:
            self._timers.end_put_off(number, trigger, run.key)
        if run.step == 0 and verdict.fired:
            self._timers.end_steps(number, trigger, run.key)
        waiting = follows(trigger, run, verdict, at=asking.at, decision_id=f"{decision_id}.{trigger.name}")
        if waiting is not None:
            self._timers.go_on(number, trigger, waiting, armed_at=asking.happened_at, event_seq=asking.event_seq)

    def cancel(
        self, asking: Occasion, trigger: Trigger, step: int, intent: Mapping[str, float | None], decision_id: str
    ) -> Decided:
        """Write down that an event made a waiting trigger pointless, and at which step."""
        score = intent.get(trigger.horizon)
        verdict = Verdict(Action.HOLD, _CANCELLED, None, 1.0, score, trigger.threshold)
        return self._record(asking, trigger, Run(step), verdict, decision_id)

    def save(self, *, now: int) -> None:
        """Write firings and messages; `now` is the wall clock's moment in microseconds."""
        self._follow_links()
        self._cooldowns.save()
        outbox.enqueue(self._connection, self.messages, at=now)
        # Whoever opts out at the end of the batch does not get what was decided at its beginning either.
        self._standings.save()

    def _follow_links(self, *, until: int | None = None) -> None:
        """Let cool-downs follow the links up to a position of the log: whoever is linked brings theirs."""
        while self._links and (until is None or self._links[0].seq <= until):
            link = self._links.popleft()
            if link.merged is not None:
                self._cooldowns.join(link.person.no, link.merged.no)

    def _record(
        self,
        asking: Occasion,
        trigger: Trigger,
        run: Run,
        verdict: Verdict,
        decision_id: str,
        found: tuple[Finding, ...] = (),
        code: Code | None = None,
    ) -> Decided:
        action, reason, arm, propensity, score, threshold, _, channels, due_at, draws, _ = verdict
        # The event that ends a wait may ask the same trigger anew, which is another decision.
        own_id = f"{decision_id}.{trigger.name}{'.cancelled' if reason is _CANCELLED else ''}"
        message_id = self._send(asking, trigger, run, verdict, own_id, code) if action is _SEND else None
        # By place: by name it takes five times as long, and one is made for every decision.
        row = DecisionRow(
            own_id,
            decision_id,
            asking.person.no,
            trigger.name,
            asking.at,
            asking.event_seq,
            _WORDS[action],
            _WORDS[reason],
            score,
            threshold,
            trigger.horizon,
            propensity,
            self._model(trigger, verdict),
            self._policy.version,
            run.step,
            arm,
            due_at,
            ",".join(channels) if channels else None,
            pack(found) if found else None,
        )
        if draws is not None:
            drawn = pack_draws(draws, trigger, asking.unit, asking.timezone)
            row.arm_probability, row.send_probability, row.draws = drawn
        self.rows.append(row)
        return Decided(
            own_id,
            trigger.name,
            row.action,
            row.reason,
            score,
            threshold,
            trigger.horizon,
            message_id,
            tuple(dict.fromkeys(each.guard for each in found if each.objection)) if found else (),
            None if due_at is None else to_moment(due_at),
        )

    def _model(self, trigger: Trigger, verdict: Verdict) -> str | None:
        """Return name and version of the model behind a verdict's score."""
        return self._models.get(f"{UPLIFT}{trigger.name}" if verdict.by_uplift else trigger.horizon)

    def _send(
        self, asking: Occasion, trigger: Trigger, run: Run, verdict: Verdict, own_id: str, code: Code | None
    ) -> str:
        """Write a message for each channel; return the id of the first."""
        messages = [
            compose(
                trigger,
                verdict,
                asking.event,
                run,
                channel=channel,
                trigger_decision_id=own_id,
                user_no=asking.person.no,
                at=asking.at,
                model_version=self._model(trigger, verdict),
                policy_version=self._policy.version,
                code=code,
            )
            for channel in verdict.channels
        ]
        self.messages += messages
        return messages[0].message_id
