"""What bounds say together: whether any number is within all of them, and whether some follow from others."""

from math import inf
from typing import NamedTuple

from policy.comparisons import Comparison, Range, is_number
from policy.conditions import Condition
from policy.conditions_facts import EventTest, FeatureTest, IntentTest, ProfileTest
from policy.conditions_history import Count
from policy.conditions_sessions import HowOften, Visits

Subject = tuple[object, ...]
"""What a condition bounds; two conditions with the same subject speak of the same number."""


class Interval(NamedTuple):
    """All numbers from `low` to `high`, each excluded where it is open."""

    low: float = -inf
    high: float = inf
    low_open: bool = False
    high_open: bool = False

    def both(self, other: "Interval") -> "Interval":
        """Return what is in both."""
        low, low_open = max((self.low, self.low_open), (other.low, other.low_open))
        high, high_closed = min((self.high, not self.high_open), (other.high, not other.high_open))
        return Interval(low, high, low_open, not high_closed)

    @property
    def is_empty(self) -> bool:
        """Whether no number is in it."""
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))


def subject(condition: Condition) -> Subject | None:
    """Return the number that a condition speaks of; None where it is none of one."""
    match condition.leaf if not condition.parts else None:
        case EventTest() as test:
            return "event", test.named
        case FeatureTest() as test:
            return "feature", test.name
        case IntentTest() as test:
            return "intent", test.horizon
        case ProfileTest() as test:
            return "profile", test.field
        case Count() as count:
            return "count", count.event, count.within, count.same, count.where
        case Visits() as visits:
            return "visits", visits.within
    return None


def interval(condition: Condition) -> Interval:
    """Return the numbers that a condition with a subject allows; more than it does where it also says other things."""
    leaf = condition.leaf
    found = _given(leaf) if isinstance(leaf, Range) else Interval()
    if isinstance(leaf, Comparison) and is_number(leaf.equal):
        found = found.both(Interval(leaf.equal, leaf.equal))
    if isinstance(leaf, Count) and leaf.every:
        found = found.both(Interval(1))
    if isinstance(leaf, HowOften):
        found = found.both(Interval(0))
        if leaf.exactly is not None:
            found = found.both(Interval(leaf.exactly, leaf.exactly))
    if isinstance(leaf, IntentTest):
        found = found.both(Interval(0, 1))
    return found


def is_only_bounds(condition: Condition) -> bool:
    """Whether a condition says nothing but its interval, of a thing that must be a number."""
    leaf = condition.leaf
    said = leaf.model_dump(exclude_none=True).keys() if isinstance(leaf, Range) else set[str]()
    other = {"differs", "one_of", "exists", "contains", "every", "decile"}
    if isinstance(leaf, Comparison) and leaf.equal is not None and not is_number(leaf.equal):
        return False
    return isinstance(leaf, Range) and not said & other


def implies(strong: Condition, weak: Condition) -> bool:
    """Whether `weak` is known to hold wherever `strong` does; False also where that cannot be seen so simply."""
    if strong == weak:
        return True
    if weak.all is not None:
        return all(implies(strong, each) for each in weak.all)
    if strong.any is not None:
        return all(implies(each, weak) for each in strong.any)
    if strong.all is not None and any(implies(each, weak) for each in strong.all):
        return True
    if weak.any is not None:
        return any(implies(strong, each) for each in weak.any)
    return _is_within(strong, weak)


def _is_within(strong: Condition, weak: Condition) -> bool:
    """Whether both bound the same number, and `strong` does so no less: it must be one for its own bounds to hold."""
    about = subject(weak)
    if about is None or about != subject(strong) or not is_only_bounds(weak):
        return False
    inner, outer = interval(strong), interval(weak)
    bounded = inner != Interval()
    return bounded and inner.both(outer) == inner


def _given(leaf: Range) -> Interval:
    found = Interval()
    if leaf.at_least is not None:
        found = found.both(Interval(low=leaf.at_least))
    if leaf.more_than is not None:
        found = found.both(Interval(low=leaf.more_than, low_open=True))
    if leaf.at_most is not None:
        found = found.both(Interval(high=leaf.at_most))
    if leaf.less_than is not None:
        found = found.both(Interval(high=leaf.less_than, high_open=True))
    return found
