"""A trigger of a policy file, with all that follows from what it says."""

from functools import cached_property
from typing import Self

from pydantic import PrivateAttr

from policy.arms import CONTROL, Split, hold_out, split
from policy.assignment import ALONE, Place, Shared, landing, place
from policy.channels import route
from policy.conditions import Condition
from policy.copies import changed
from policy.exploration import NOTHING, Explore, ShareUntil, below_threshold
from policy.guards import TRANSACTIONAL, Consent
from policy.quantities import microseconds
from policy.steps import Plan, plans
from policy.trigger_fields import Mode, TriggerFields


def cooling(name: str, key: str) -> str:
    """Return under which name firings are remembered, by `Trigger.cool_down_key` and what they were for."""
    return f"{name}/{key}" if key else name


class Trigger(TriggerFields):
    """A named rule that may send a message when an event comes in."""

    _shared: Shared = PrivateAttr(default=ALONE)

    @property
    def experiment_name(self) -> str:
        """What the comparison of those who get the message with those held out is called."""
        return self.experiment or self.name

    @cached_property
    def waits_us(self) -> int:
        """How long it waits, in microseconds."""
        waiting = self.inactive_for if self.after is None else self.after
        return 0 if waiting is None else microseconds(waiting)

    @cached_property
    def stale_after_us(self) -> int:
        """How old its occasion may be, in microseconds: the event, or the moment at which its timer was due."""
        return self.expires_after_us if self.waits else self.max_event_age_us

    @cached_property
    def expires_after_us(self) -> int:
        """How long after its moment a decision may still be made, in microseconds."""
        return microseconds(self.expires_after)

    @cached_property
    def minds_the_moment(self) -> bool:
        """Whether there are moments at which its message must not go out, or better ones."""
        return self.message_class != TRANSACTIONAL and (self.guards.forbid_moments or bool(self.send_within))

    @cached_property
    def asks_consent(self) -> bool:
        """Whether somebody's word on its message is asked for, on some channel at least."""
        bases = (self.guards.asks_for(each) for each in self.channels)
        return self.message_class != TRANSACTIONAL and any(basis is not Consent.NONE for basis in bases)

    @cached_property
    def is_guarded(self) -> bool:
        """Whether any guard but suppression is asked about its message."""
        return self.minds_the_moment or self.asks_consent

    @cached_property
    def send_within_us(self) -> int:
        """How long a better moment is sought, in microseconds."""
        return microseconds(self.send_within)

    @cached_property
    def half_life_us(self) -> int | None:
        """In how long its message halves in worth, in microseconds; None where it loses nothing."""
        return None if self.half_life is None else microseconds(self.half_life)

    @cached_property
    def plans(self) -> tuple[Plan, ...]:
        """What is asked and done at each step, the trigger's own first."""
        own = route(self.channel, self.endpoint, self.content)
        return plans(self.threshold, self.when, own, self.steps, self.codes)

    def carried_before(self, step: int) -> bool:
        """Whether a message before a step carried a code of the pool that the step's own carries one of."""
        pools = [None if each.codes is None else each.codes.pool for each in self.plans[: step + 1]]
        return pools[-1] is not None and pools[-1] in pools[:-1]

    @cached_property
    def gives_codes(self) -> bool:
        """Whether some message of it carries a code."""
        return any(each.codes is not None for each in self.plans)

    @cached_property
    def channels(self) -> frozenset[str]:
        """All channels that it may use."""
        return frozenset(channel for each in self.plans for route in each.routes for channel in route.channels)

    @cached_property
    def endpoints(self) -> frozenset[str]:
        """All endpoints that it may send to."""
        return frozenset(route.endpoint for each in self.plans for route in each.routes)

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Whatever it may look at: its own condition, that of its end, those of its steps."""
        said = (self.when, self.exit_when, *(each.when for each in self.arms.values()))
        own = (each for each in said if each is not None)
        return (*own, *(each for step in self.steps for each in step.conditions))

    @cached_property
    def live(self) -> bool:
        """Whether messages are really sent, to everybody."""
        return self.mode is Mode.LIVE

    @cached_property
    def rehearses(self) -> bool:
        """Whether messages are really sent, to users marked as test."""
        return self.mode is Mode.TEST_PROFILES

    @cached_property
    def cool_down_us(self) -> int:
        """The cool-down in microseconds."""
        return microseconds(self.cool_down)

    @cached_property
    def max_event_age_us(self) -> int:
        """The oldest event that fires anything, in microseconds."""
        return microseconds(self.max_event_age)

    @cached_property
    def cool_down_key(self) -> str:
        """Where the last firing is remembered; apart for dry runs, so that a rehearsal holds nothing back when live."""
        return self.name if self.live else f"{self.name} (dry run)"

    def cools(self, key: str) -> str:
        """Return where the last firing for a cart, a product or (empty) the user is remembered."""
        return cooling(self.cool_down_key, key)

    @cached_property
    def split(self) -> Split:
        """The division of users into those who get the message and those held out."""
        held_out = self.hold_out.share
        if not self.arms:
            return hold_out(self.salt, held_out)
        shares = {name: each.share * (1.0 - held_out) for name, each in self.arms.items()}
        return split(self.salt, {CONTROL: held_out, **shares})

    @cached_property
    def salt(self) -> str:
        """By which name users are drawn into its arms."""
        return self.hold_out.salt or self.experiment_name

    def told(self, explore: Explore | None, shared: Shared) -> Self:
        """Return it with what its file says for all triggers."""
        marketing = self.message_class != TRANSACTIONAL
        found = changed(self, **({"explore": explore} if marketing and self.explore is None else {}))
        found._shared = shared if marketing else ALONE  # noqa: SLF001 - its own
        return found

    @cached_property
    def shared(self) -> Shared:
        """The draws that it shares with other triggers of its file."""
        return self._shared

    @cached_property
    def treated(self) -> float:
        """The share of users who get its message where all speaks for it: under all draws together."""
        return self.shared.reached * (1.0 - self.shared.share * self.hold_out.share)

    @cached_property
    def withheld(self) -> float:
        """The share of users from whom it is withheld then."""
        return self.hold_out.share if self.shared == ALONE else 1.0 - self.treated

    def place(self, unit: str) -> Place:
        """Return where it draws a unit to."""
        return place(unit, self.experiment_name, self.split, self.shared)

    @cached_property
    def exploration(self) -> Split | None:
        """How decisions below the threshold are drawn; None where these are held for sure.

        With arms nothing is drawn there: who enters the experiment must not depend on the arm.
        """
        share = 0.0 if self.explore is None or self.arms else self.explore.below_threshold
        return below_threshold(self.name, share) if share else None

    @cached_property
    def explored_hours(self) -> ShareUntil:
        """In which share of its messages chance draws the hour, rather than take the best one."""
        return NOTHING if self.explore is None or not self.seeks_an_hour else self.explore.hours

    @cached_property
    def variants(self) -> dict[str, Self]:
        """The trigger as it is in each arm; whoever is in none, or held out, has the trigger itself."""
        return {name: changed(self, **each.changes) for name, each in self.arms.items()}

    @cached_property
    def ways(self) -> tuple[tuple[Self, float], ...]:
        """The trigger in each arm that can send, and as it is for whoever is in none, with the probability of each."""
        arms = [
            (each, landing(self.shared, Place(name, self.split.share(name)))) for name, each in self.variants.items()
        ]
        return tuple(each for each in (*arms, (self, landing(self.shared, Place(None, None)))) if each[1] > 0)
