"""The policy's part of a batch: ask every trigger that an event concerns, and write down what it said."""

from collections import deque
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from policy.caps import Sent
from policy.decide import Facts, Verdict, decide
from policy.guards import TRANSACTIONAL
from policy.reasons import Action, Reason
from policy.triggers import Policy, Trigger
from serving import cooldowns, outbox
from serving.items import Decided, Score
from serving.ledger import DecisionRow
from serving.log import Appended
from serving.message import Message, compose
from serving.occasions import Occasion
from serving.standings import Standings
from serving.views import PersonView, asked_by

_DRY_RUN = Reason.DRY_RUN


class Verdicts:
    """The decisions of one batch; each is made with what the ones before it left behind."""

    def __init__(self, connection: Connection, policy: Policy, models: Mapping[str, str]) -> None:
        """`models` gives name/version by horizon."""
        self._connection = connection
        self._policy = policy
        self._models = models
        self._last_fired: dict[int, dict[str, int]] = {}
        self._fired: list[tuple[int, str, int]] = []
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
        numbers = {each.person.no for each in asking} | {each.person.no for each in links}
        numbers |= {each.merged.no for each in links if each.merged}
        found = cooldowns.last_fired(self._connection, sorted(numbers))
        self._last_fired = {number: dict(found.get(number, {})) for number in numbers}
        self._links.extend(links)

    def decide(
        self,
        asking: Occasion,
        triggers: Sequence[Trigger],
        score: Score,
        decision_id: str,
    ) -> list[Decided]:
        """Return what each of these triggers says to an occasion; asked in the order of the log."""
        self._follow_links(until=asking.until)
        person = asking.person
        mine = self._last_fired[person.no]
        view = self._view(asking, score) if any(each.when is not None for each in triggers) else None
        standing = self._standings.of(person, until=asking.until)
        facts = Facts(asking.unit, asking.at, asking.since, score.intent, mine, person.excluded, standing, view)
        decided = []
        for trigger in triggers:
            verdict = decide(trigger, facts)
            if verdict.fired:
                mine[trigger.cool_down_key] = asking.at
                self._fired.append((person.no, trigger.cool_down_key, asking.at))
                if verdict.reason is not _DRY_RUN:
                    self._count(asking, trigger)
            decided.append(self._record(asking, trigger, verdict, decision_id))
        return decided

    def _view(self, asking: Occasion, score: Score) -> PersonView:
        return PersonView(
            self._connection,
            asking.person,
            score.features,
            score.intent,
            at=asking.at,
            event=asked_by(asking),
            policy=self._policy,
        )

    def _count(self, asking: Occasion, trigger: Trigger) -> None:
        """Count a message for the caps, withheld or not; what escapes them uses nothing up."""
        if trigger.message_class != TRANSACTIONAL:
            self._standings.sent(asking.person.no, Sent(asking.at, trigger.channel, trigger.name))

    def cancel(
        self, asking: Occasion, trigger: Trigger, intent: Mapping[str, float | None], decision_id: str
    ) -> Decided:
        """Write down that an event made a waiting trigger pointless."""
        score = intent.get(trigger.horizon)
        verdict = Verdict(Action.HOLD, Reason.CANCELLED, None, 1.0, score, trigger.threshold)
        return self._record(asking, trigger, verdict, decision_id)

    def save(self, *, now: int) -> None:
        """Write firings and messages; `now` is the wall clock's moment in microseconds."""
        self._follow_links()
        cooldowns.remember(self._connection, self._fired)
        outbox.enqueue(self._connection, self.messages, at=now)
        # Whoever opts out at the end of the batch does not get what was decided at its beginning either.
        self._standings.save()

    def _follow_links(self, *, until: int | None = None) -> None:
        """Let cool-downs follow the links up to a position of the log: whoever is linked brings theirs."""
        while self._links and (until is None or self._links[0].seq <= until):
            link = self._links.popleft()
            if link.merged is None:
                continue
            mine = self._last_fired[link.person.no]
            for key, at in self._last_fired[link.merged.no].items():
                mine[key] = max(at, mine.get(key, at))
                self._fired.append((link.person.no, key, mine[key]))

    def _record(self, asking: Occasion, trigger: Trigger, verdict: Verdict, decision_id: str) -> Decided:
        own_id = f"{decision_id}.{trigger.name}"
        message_id = self._send(asking, trigger, verdict, own_id) if verdict.action is Action.SEND else None
        action, reason = verdict.action.value, verdict.reason.value
        self.rows.append(
            DecisionRow(
                trigger_decision_id=own_id,
                decision_id=decision_id,
                user_no=asking.person.no,
                trigger=trigger.name,
                at=asking.at,
                event_seq=asking.event_seq,
                action=action,
                reason=reason,
                score=verdict.score,
                threshold=verdict.threshold,
                horizon=trigger.horizon,
                arm=verdict.arm,
                propensity=verdict.propensity,
                model_version=self._models.get(trigger.horizon),
                policy_version=self._policy.version,
            )
        )
        return Decided(
            own_id, trigger.name, action, reason, verdict.score, verdict.threshold, trigger.horizon, message_id
        )

    def _send(self, asking: Occasion, trigger: Trigger, verdict: Verdict, own_id: str) -> str:
        message = compose(
            trigger,
            verdict,
            asking.event,
            trigger_decision_id=own_id,
            user_no=asking.person.no,
            at=asking.at,
            model_version=self._models.get(trigger.horizon),
            policy_version=self._policy.version,
        )
        self.messages.append(message)
        return message.message_id
