"""What guards look at, for the people of one batch: read in a few statements, followed through the batch, written back.

Events teach it (consent, opt-outs, addresses, orders), links join it: of what two ids said the stricter counts, what
was sent to them is added up. Each decision sees what the log held before it, the asking event included.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from sqlalchemy import Connection

from features.kinds import Kind
from policy.caps import Sent
from policy.guards import BOUNCED, UNSUBSCRIBED, Standing
from policy.watch import Watch
from serving import consents, orders, sends, suppressions
from serving.lessons import Lesson, channel_of, lesson_of, teaches
from serving.suppressions import ADDRESS, USER, Suppression
from serving.withdrawal import suppress

if TYPE_CHECKING:
    from serving.log import Appended
    from serving.occasions import Occasion
    from serving.people import Person

Barred = dict[str, str]
"""Channel or `*` -> why nothing may be sent there."""


class _Known(Struct, eq=False):
    """What is known of one user number."""

    said: consents.Consents = {}
    barred: Barred = {}
    addresses: set[str] = set()
    sends: list[Sent] = []
    last_order_at: int | None = None


class Standings:
    """The standing of everybody whom a batch decides about, or learns of."""

    def __init__(self, connection: Connection, watch: Watch) -> None:
        """`watch` says what has to be read."""
        self._connection = connection
        self._watch = watch
        self._known: dict[int, _Known] = {}
        self._barred: dict[str, Barred] = {}
        self._lessons: deque[tuple[Appended, Lesson | None]] = deque()
        self._said: set[int] = set()
        self._owned: list[tuple[int, str]] = []
        self._suppressed: list[Suppression] = []
        self._sent: list[tuple[int, Sent]] = []
        self._links: list[tuple[int, int]] = []

    def prepare(self, asking: Iterable["Person"], lessons: Sequence["Appended"], *, at: int) -> None:
        """Read what is known.

        Args:
            asking: The people about whom `of` will be asked.
            lessons: The events of the batch that `is_lesson` picked, in the order of the log.
            at: The earliest moment of a decision, in microseconds.
        """
        taught = [(each, lesson_of(each.event) if teaches(each.event) else None) for each in lessons]
        learning = [each.person for each, lesson in taught if each.merged or lesson]
        linked = [each.merged for each in lessons if each.merged]
        keys = {each.no: each.key for each in (*asking, *learning, *linked)}
        if not keys:
            return
        numbers = sorted(keys)
        self._lessons.extend(taught)
        self._known = {number: _Known() for number in numbers}
        self._read_suppressions(keys)
        if self._watch.consents or learning:
            for number, said in consents.read(self._connection, numbers).items():
                self._known[number].said = said
        if self._watch.sends_us:
            for number, sent in sends.lately(self._connection, numbers, after=at - self._watch.sends_us).items():
                self._known[number].sends = sent
        if self._watch.orders_us:
            for number, moment in orders.last(self._connection, numbers, after=at - self._watch.orders_us).items():
                self._known[number].last_order_at = moment

    def of(self, person: "Person", *, until: int, asking: "Occasion | None" = None) -> Standing:
        """Return the standing of somebody as of a position of the log; an occasion knows where and when they were."""
        if self._lessons:
            self.follow(until=until)
        known = self._known[person.no]
        seen_at, timezone = (
            (person.last_seen_at, person.timezone) if asking is None else (asking.seen_at, asking.timezone)
        )
        barred = self._barred_of(known) if known.addresses else known.barred
        # By place: by name it takes three times as long, and one is made for every decision.
        return Standing(known.said, barred, known.sends, known.last_order_at, seen_at, timezone, self._watch.shop_zone)

    def sent(self, user_no: int, sent: Sent) -> None:
        """Count a message that was sent, or withheld for comparison."""
        self._known[user_no].sends.append(sent)
        self._sent.append((user_no, sent))

    def follow(self, *, until: int | None = None) -> None:
        """Learn what the events up to a position of the log say."""
        while self._lessons and (until is None or self._lessons[0][0].seq <= until):
            self._learn(*self._lessons.popleft())

    def save(self) -> None:
        """Write what was learned and what was sent, after the events and people of the batch."""
        self.follow()
        sends.remember(self._connection, self._sent)
        if self._links:
            sends.follow(self._connection, self._links)
        if self._said:
            consents.write(self._connection, {number: self._known[number].said for number in self._said})
        if self._owned:
            suppressions.own(self._connection, self._owned)
        if self._suppressed:
            suppress(self._connection, self._suppressed)

    def _read_suppressions(self, keys: Mapping[int, str]) -> None:
        named = {each for _, lesson in self._lessons if lesson for each in lesson.addresses}
        for found in suppressions.found_for(self._connection, keys):
            known = self._known[found.user_no]
            if found.address is not None:
                known.addresses.add(found.address)
            if found.channel is not None and found.reason is not None:
                into = known.barred if found.address is None else self._barred.setdefault(found.address, {})
                _bar(into, found.channel, found.reason)
        for address, channel, reason in suppressions.of_addresses(self._connection, sorted(named)):
            _bar(self._barred.setdefault(address, {}), channel, reason)

    def _learn(self, added: "Appended", lesson: Lesson | None) -> None:
        known = self._known.get(added.person.no)
        if known is None:
            return
        at = added.happened_at
        if added.merged is not None:
            self._join(added.person.no, added.merged.no)
        if added.event.kind is Kind.ORDER_COMPLETED:
            known.last_order_at = max(at, known.last_order_at or at)
        if lesson is not None:
            self._own(added.person.no, lesson.addresses)
            if consents.hear(known.said, lesson, at=at):
                self._said.add(added.person.no)
            self._opt_out(added, known, lesson)

    def _join(self, number: int, other: int) -> None:
        mine, theirs = self._known[number], self._known[other]
        if consents.join(mine.said, theirs.said):
            self._said.add(number)
        for channel, reason in theirs.barred.items():
            _bar(mine.barred, channel, reason)
        self._own(number, theirs.addresses)
        mine.sends += theirs.sends
        orders_at = [each for each in (mine.last_order_at, theirs.last_order_at) if each is not None]
        mine.last_order_at = max(orders_at, default=None)
        self._links.append((number, other))

    def _own(self, number: int, addresses: Iterable[str]) -> None:
        known = self._known[number].addresses
        new = [each for each in addresses if each not in known]
        known.update(new)
        self._owned += [(number, each) for each in new]

    def _opt_out(self, added: "Appended", known: _Known, lesson: Lesson) -> None:
        """Suppress the address that an opt-out is about, or all of the user's; the user too unless it only bounced."""
        if lesson.opt_out is None:
            return
        channel, reason = lesson.opt_out
        own = [each for each in sorted(known.addresses) if channel_of(each) == channel]
        addresses = [lesson.target] if lesson.target else own
        for address in addresses:
            _bar(self._barred.setdefault(address, {}), channel, reason)
            self._suppressed.append(Suppression(ADDRESS, address, channel, reason, added.known_at))
        if reason != BOUNCED or not addresses:
            _bar(known.barred, channel, reason)
            self._suppressed.append(Suppression(USER, added.event.key, channel, reason, added.known_at))

    def _barred_of(self, known: _Known) -> Barred:
        barred = known.barred
        against = [each for each in known.addresses if each in self._barred]
        if against:
            barred = dict(barred)
            for each in against:
                is_elsewhere = self._is_elsewhere(known, each)
                for channel, reason in self._barred[each].items():
                    # Only the address is dead, and not the person.
                    if reason != BOUNCED or not is_elsewhere:
                        _bar(barred, channel, reason)
        return barred

    def _is_elsewhere(self, known: _Known, address: str) -> bool:
        """Whether somebody has another address of the kind of this one, against which nothing stands."""
        alike = (each for each in known.addresses if channel_of(each) == channel_of(address))
        return any(each not in self._barred for each in alike)


def is_lesson(added: "Appended") -> bool:
    """Whether an event may change somebody's standing; asked of each one."""
    return added.merged is not None or added.event.kind is Kind.ORDER_COMPLETED or teaches(added.event)


def learn(connection: Connection, events: Iterable["Appended"]) -> None:
    """Write what events say of consent, opt-outs and addresses, where nobody decides about them."""
    lessons = [each for each in events if is_lesson(each)]
    standings = Standings(connection, Watch())
    standings.prepare([], lessons, at=0)
    standings.save()


def _bar(into: Barred, channel: str, reason: str) -> None:
    """Add a reason; that somebody unsubscribed says less than any other, and a bounce less than all but that."""
    known = into.get(channel, UNSUBSCRIBED)
    if known == UNSUBSCRIBED or (known == BOUNCED and reason != UNSUBSCRIBED):
        into[channel] = reason
