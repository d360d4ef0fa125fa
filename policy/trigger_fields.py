"""What a trigger says in a policy file, checked."""

from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StrictInt, model_validator

from policy.arms_said import Arms, Send, check_arms
from policy.block import Block
from policy.channels import Channels
from policy.codes import Codes
from policy.conditions import When
from policy.event_names import EventNames
from policy.exploration import Explore
from policy.guards import TRANSACTIONAL, Guards, MessageClass
from policy.holding import HoldOut, ShortHoldOut
from policy.moments_said import Foreseeable, HalfLife
from policy.names import Name
from policy.quantities import Duration, Horizon
from policy.steps import Content, Step
from policy.thresholds import Threshold
from policy.trigger_tests import TriggerTest
from policy.uplift import AddsAtLeast, check_uplift


class Mode(StrEnum):
    """`live` sends; `dry_run` decides and logs alike and sends nothing; `test_profiles` is one or the other."""

    LIVE = "live"
    DRY_RUN = "dry_run"
    TEST_PROFILES = "test_profiles"


class Enrol(StrEnum):
    """Whom a trigger that waits begins with: nobody, or everybody whom the log shows to be waiting already."""

    FROM_NOW = "from_now"
    EXISTING = "existing"


class TriggerFields(Block):
    """The fields of a trigger, and what they may not say together."""

    model_config = ConfigDict(populate_by_name=True)

    name: Name = Field(description="Lower-case letters, digits, - and _; appears in the ledger and in the message.")
    on: EventNames = Field(
        min_length=1,
        description="The event, or list of events, that asks the question, in any spelling; `*` stands for any event.",
    )
    horizon: Horizon = Field(default="24h", description="Which purchase probability to look at: `24h`, `7d`, …")
    threshold: Threshold = Field(
        description="Fire when the probability of a purchase is at least this: `25%`, or `0.25`; `auto`: what the last "
        "accepted report says; `{auto_from: 25%}`: this until there is one."
    )
    uplift: AddsAtLeast | None = Field(
        default=None,
        description="Go by what the message adds to that probability, once a model tells it: fire when it is at least "
        "this, `0.5%`; `auto`: when it pays for the message. Until then the threshold counts.",
    )
    cool_down: Duration = Field(description="After firing for a user, stay silent for that user this long: `7d`.")
    hold_out: ShortHoldOut = Field(default=HoldOut(), description="Share of users who get nothing, for comparison.")
    experiment: Name | None = Field(
        default=None,
        description="Name under which the hold-out is drawn, and which the message tells; default: the trigger's.",
    )
    arms: Arms = Field(
        default={},
        description="Arms of its experiment, by name, that have another threshold, condition, content or hour.",
    )
    explore: Explore | None = Field(
        default=None,
        description="What is done by chance in a share of the decisions, to learn from it; default: that of the file.",
    )
    when: When | None = Field(default=None, description="A condition that must hold besides; default: none.")
    mode: Mode = Field(
        default=Mode.DRY_RUN,
        description="`dry_run` decides and logs only; `live` sends; `test_profiles` is live for users marked as `test` "
        "and in dry run for everybody else.",
    )
    endpoint: Name = Field(
        default="default", description="Name of a configured endpoint; `default`: that of the channel."
    )
    channel: Channels = Field(
        default="webhook",
        validate_default=True,
        description="How the message goes out, one way or several; consent and caps know channels.",
    )
    content: Content | None = Field(
        default=None, description="What the message says: templates, or any fields that a webhook's receiver is handed."
    )
    codes: Codes | None = Field(
        default=None,
        description="From which pool the message carries a code of the person's own; reminders carry the same one.",
    )
    message_class: MessageClass = Field(
        default="marketing",
        alias="class",
        description="`transactional` escapes threshold, consent, caps, quiet hours and hold-out, never a suppression.",
    )
    guards: Guards = Field(default=Guards(), description="What must not stand against a message.")
    after: Duration | None = Field(
        default=None,
        description="Decide so long after the event, unless something of `cancel_on` happened: `30 min`.",
    )
    inactive_for: Duration | None = Field(
        default=None, description="Decide when the user was not on a visit for so long after the event: `14d`."
    )
    cancel_on: EventNames = Field(default=(), description="Events that make the waiting pointless, such as an order.")
    expires_after: Duration = Field(
        default="24h",
        validate_default=True,
        description="What could not be decided in time, since the server was down, is given up so long after it.",
    )
    send: Send = Field(
        default="now",
        description="`best_hour`: at the hour of the person's day that is likely the best, `send_within`; "
        "`everybodys_hour`: at the one that is the best for all together.",
    )
    send_within: Foreseeable = Field(
        default=timedelta(0),
        description="How long to seek a moment at which no guard objects; default: it is now or never.",
    )
    half_life: HalfLife | None = Field(
        default=None,
        description="What a message is worth halves in so long, which `send: best_hour` weighs against the hour: "
        "`6 hours`; default: it loses nothing.",
    )
    steps: tuple[Step, ...] = Field(default=(), max_length=20, description="What follows the message, step by step.")
    exit_when: When | None = Field(default=None, description="The steps end where this holds at one of them.")
    key: Literal["user", "cart", "product"] = Field(
        default="user",
        description="What it is about: each cart or product of the event waits, and cools down, for itself.",
    )
    priority: Annotated[StrictInt, Field(ge=-1000, le=1000)] = Field(
        default=0, description="Of triggers that one event asks, the higher goes first; equal ones in the file's order."
    )
    enrol: Enrol = Field(
        default=Enrol.FROM_NOW,
        description="`existing`: when it is first in service, whoever waits already by what the log holds is enrolled, "
        "imported history too; `from_now`: nobody is.",
    )
    enrol_per_hour: int = Field(
        default=1000, ge=1, le=1_000_000, description="How many of those come due in any hour at most."
    )
    max_event_age: Duration = Field(
        default="1h",
        validate_default=True,
        description="An event that arrives later than this after it happened fires nothing.",
    )
    tests: tuple[TriggerTest, ...] = Field(
        default=(),
        # They decide nothing, so the version of the policy does not know them.
        exclude=True,
        description="These events, this decision, this reason: `make test-triggers` runs them.",
    )

    @model_validator(mode="after")
    def _waits_for_one_thing(self) -> Self:
        if self.after is not None and self.inactive_for is not None:
            raise ValueError("after and inactive_for exclude each other: make two triggers of it")
        waiting = {"cancel_on": (), "expires_after": timedelta(days=1)}
        given = [name for name, unsaid in waiting.items() if getattr(self, name) != unsaid]
        if not (self.waits or self.goes_on) and given:
            raise ValueError(f"{given[0]} needs after, inactive_for, send_within or steps: this decides at once")
        if not self.waits and self.enrol is not Enrol.FROM_NOW:
            raise ValueError("enrol needs after or inactive_for: this trigger decides at once")
        return self

    @model_validator(mode="after")
    def _goes_on_sensibly(self) -> Self:
        if self.seeks_an_hour and not self.send_within:
            raise ValueError(f"send: {self.send} needs send_within, such as 24h: how far away that hour may be")
        if self.half_life is not None and not (self.seeks_an_hour or self.keeps_the_day):
            raise ValueError("half_life needs send: best_hour: nothing else weighs moments")
        if self.exit_when is not None and not self.steps:
            raise ValueError("exit_when needs steps: there is nothing else to leave")
        if self.when is not None and self.when.reads.message:
            raise ValueError(
                "when asks for the response to a message: only steps and exit_when can, one goes before them"
            )
        return self

    @model_validator(mode="after")
    def _is_drawn_by_one_name(self) -> Self:
        if self.experiment is not None and self.hold_out.salt is not None:
            raise ValueError("experiment and hold_out.salt exclude each other: both say by which name users are drawn")
        return self

    @model_validator(mode="after")
    def _leaves_marketing_to_chance(self) -> Self:
        check_arms(self.arms, transactional=self.message_class == TRANSACTIONAL, can_wait=bool(self.send_within))
        if self.explore is not None and self.message_class == TRANSACTIONAL:
            raise ValueError("explore is not for transactional messages: nothing of them is left to chance")
        return self

    @model_validator(mode="after")
    def _goes_by_uplift_where_that_is_known(self) -> Self:
        transactional = self.message_class == TRANSACTIONAL
        check_uplift(goes_by_uplift=self.asks_uplift, transactional=transactional, has_steps=bool(self.steps))
        return self

    @cached_property
    def asks_uplift(self) -> bool:
        """Whether it goes by uplift, in some arm at least."""
        return self.uplift is not None or any(each.uplift is not None for each in self.arms.values())

    @property
    def seeks_an_hour(self) -> bool:
        """Whether it is sent at the best hour of some day, rather than as soon as it may be."""
        return self.send != "now"

    @cached_property
    def keeps_the_day(self) -> bool:
        """Whether its arms are about the hour: they then choose it within one day, or weekdays would differ too."""
        return any(each.send is not None for each in self.arms.values())

    @cached_property
    def waits(self) -> bool:
        """Whether it decides some time after the event."""
        return self.after is not None or self.inactive_for is not None

    @cached_property
    def goes_on(self) -> bool:
        """Whether a decision can let it wait: for a better moment, or for a step."""
        return bool(self.send_within or self.steps)
