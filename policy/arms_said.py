"""The arms of an experiment as a policy file says them: the same trigger with something else in it."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from policy.arms import CONTROL
from policy.block import Block
from policy.conditions import When
from policy.names import Name
from policy.quantities import Share
from policy.steps import Content
from policy.uplift import AddsAtLeast

Send = Literal["now", "best_hour", "everybodys_hour"]


class Arm(Block):
    """What is different in one arm; whatever it leaves unsaid is as the trigger says."""

    share: Share = Field(gt=0, description="Of the users who are not held out: `50%`; all arms together have all.")
    threshold: Share | None = Field(default=None, description="The probability that is needed.")
    uplift: AddsAtLeast | None = Field(default=None, description="What the message has to add, as the trigger says it.")
    when: When | None = Field(default=None, description="The condition that must hold besides.")
    content: Content | None = Field(default=None, description="What the message says.")
    send: Send | None = Field(
        default=None,
        description="At which hour it is sent; in all arms on the same day, that of the first allowed one.",
    )

    @property
    def changes(self) -> dict[str, Any]:
        """The fields of the trigger that it has otherwise."""
        named = {name: getattr(self, name) for name in ("threshold", "uplift", "when", "content", "send")}
        return {name: each for name, each in named.items() if each is not None}


def _divided(arms: dict[str, Arm]) -> dict[str, Arm]:
    if arms and abs(sum(each.share for each in arms.values()) - 1) > 1e-9:
        raise ValueError("the shares of the arms must add up to 100 %, of those who are not held out")
    if CONTROL in arms:
        raise ValueError(f"{CONTROL!r} is the arm of those held out: call this one another name")
    if len(arms) == 1:
        raise ValueError("one arm alone is no experiment: name two, or none")
    return arms


Arms = Annotated[dict[Name, Arm], AfterValidator(_divided)]
"""Arms by name."""


def check_arms(arms: dict[str, Arm], *, transactional: bool, can_wait: bool) -> None:
    """Refuse arms of transactional messages, of an hour without a time to wait, and of responses to a message.

    Raises:
        ValueError: One of these is there.
    """
    if arms and transactional:
        raise ValueError("arms are not for transactional messages: nobody is drawn into any")
    if not can_wait and any(each.send not in (None, "now") for each in arms.values()):
        raise ValueError("the send of an arm needs send_within of the trigger: how far away it may be")
    if any(each.when is not None and each.when.reads.message for each in arms.values()):
        raise ValueError("when of an arm asks for the response to a message: only steps and exit_when can")
