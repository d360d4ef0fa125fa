"""A policy: all that its file says, checked, and which of its triggers react to an event."""

import hashlib
import json
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, model_validator

from policy.assignment import Layer, check_layers, shared_by
from policy.block import Block
from policy.conditions_learned import check_few
from policy.event_names import by_event
from policy.experiments import Experiments, check_planned
from policy.exploration import Explore
from policy.holding import ShortHoldOut
from policy.hours import Zone
from policy.names import check_differ
from policy.segments import Segment, SegmentRules, Segments, check_known, segment_rules
from policy.templates import Templates
from policy.triggers import Trigger
from policy.watch import Watch, watch_of


class Policy(Block):
    """All triggers of a policy file, in its order."""

    format: Literal[1] = Field(default=1, description="Version of this file's format.")
    shop_zone: Zone = Field(default="UTC", description="Time zone of the shop, for `unknown_zone: shop_zone`.")
    explore: Explore | None = Field(
        default=None,
        description="What every marketing trigger that does not say otherwise does by chance, to learn from it.",
    )
    hold_out: ShortHoldOut | None = Field(
        default=None, description="Share of users who get nothing of any marketing trigger, besides those of each."
    )
    layers: tuple[Layer, ...] = Field(
        default=(), description="Experiments that share the users among them: nobody is in two of one layer."
    )
    segments: Segments = Field(default=(), description="People named by what holds for them.")
    templates: Templates = Field(
        default={}, description="Messages by name, beside those of the folder `templates/`; see docs/content.md."
    )
    triggers: tuple[Trigger, ...] = ()
    experiments: Experiments = Field(
        default=(),
        # They decide nothing, so the version of the policy does not know them.
        exclude=True,
        description="What is planned for experiments before anybody looks at them; see docs/reports.md.",
    )

    @model_validator(mode="after")
    def _fills_in(self) -> Self:
        """Tell each trigger what the file says for all of them."""
        if self.explore is not None or self.hold_out is not None or self.layers:
            known = dict.fromkeys(each.experiment_name for each in self.triggers)
            check_layers(self.layers, self.hold_out, known)
            shared = {each: shared_by(each, self.hold_out, self.layers) for each in known}
            told = tuple(each.told(self.explore, shared[each.experiment_name]) for each in self.triggers)
            object.__setattr__(self, "triggers", told)
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        check_differ((each.name for each in self.triggers), "triggers", "triggers")
        asked = (condition.reads.segments for each in self.triggers for condition in each.conditions)
        check_known(frozenset().union(*asked), self.segments_by_name)
        for each in self.triggers:
            check_few(each.name, (condition.reads for condition in each.conditions))
        check_planned(self.experiments, self.triggers)
        return self

    @cached_property
    def segments_by_name(self) -> dict[str, Segment]:
        """Each segment by its name."""
        return {each.name: each for each in self.segments}

    @cached_property
    def segment_rules(self) -> SegmentRules:
        """What can change who is in the segments."""
        return segment_rules(self.segments)

    @cached_property
    def version(self) -> str:
        """Twelve hexadecimal digits that change with all that can change a decision, not with comments or layout."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    @cached_property
    def horizons(self) -> frozenset[str]:
        """The horizons that some trigger, or a condition of one, looks at."""
        asked = [condition.reads.intents for each in self.triggers for condition in each.conditions]
        asked += [each.when.reads.intents for each in self.segments]
        return frozenset(each.horizon for each in self.triggers).union(*asked)

    @cached_property
    def uplifts(self) -> tuple[Trigger, ...]:
        """The triggers that go by uplift, in some arm at least."""
        return tuple(each for each in self.triggers if each.asks_uplift)

    @cached_property
    def learned(self) -> frozenset[str]:
        """The learned segments that some trigger or segment names, such as `rfm/champions`."""
        asked = [condition.reads.learned for each in self.triggers for condition in each.conditions]
        return frozenset[str]().union(*asked, *(each.when.reads.learned for each in self.segments))

    @cached_property
    def endpoints(self) -> frozenset[str]:
        """The endpoints that some trigger sends to, or that are told of a segment."""
        told = frozenset(each.notify for each in self.segments if each.notify is not None)
        return told.union(*(each.endpoints for each in self.triggers if each.live or each.rehearses))

    @cached_property
    def watch(self) -> Watch:
        """What the guards of some trigger look at."""
        guarded = ((each.guards, channel) for each in self.triggers for channel in each.channels)
        return watch_of(guarded, shop_zone=self.shop_zone)

    @cached_property
    def by_name(self) -> dict[str, Trigger]:
        """Each trigger by its name."""
        return {each.name: each for each in self.triggers}

    @cached_property
    def recalling(self) -> dict[int | str, tuple[Trigger, ...]]:
        """Kind of event, or folded name -> the triggers that it cancels, what they wait with and what they sent."""
        return by_event((event, each) for each in self.triggers for event in each.cancel_on)

    @cached_property
    def index(self) -> dict[int | str, tuple[Trigger, ...]]:
        """Kind of event, or folded name where it has none -> the triggers that react at once, by priority."""
        first = sorted(self.triggers, key=lambda each: -each.priority)
        return by_event((event, each) for each in first if not each.waits for event in each.on)
