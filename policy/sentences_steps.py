"""The steps of a sequence in words, and the way that a message takes."""

from collections.abc import Iterator

from policy.channels import Route
from policy.conditions import Condition
from policy.quantities import in_words, percent
from policy.steps import Plan, Step
from policy.triggers import Trigger


def steps_in_words(trigger: Trigger) -> Iterator[str]:
    """Yield a sentence for each step, and one for what ends them."""
    for number, (step, plan) in enumerate(zip(trigger.steps, trigger.plans[1:], strict=True), 1):
        yield f"Step {number}, {in_words(step.after)} later: {_step(trigger, step, plan)}."
    if trigger.exit_when is not None:
        yield f"The steps end once {trigger.exit_when.sentence()}."


def way(route: Route) -> str:
    """Return by which channels a message goes to which endpoint: `by email, else by sms, to mail`."""
    between = " and by " if route.together else ", else by "
    stop = "," if len(route.channels) > 1 and not route.together else ""
    return f"by {between.join(route.channels)}{stop} to {route.endpoint}"


def _step(trigger: Trigger, step: Step, plan: Plan) -> str:
    asked = [step.when.inner_sentence() if step.when.any else step.when.sentence()] if step.when is not None else []
    if step.threshold is not None:
        asked.append(f"the chance of a purchase within {trigger.horizon} is at least {percent(step.threshold)}")
    condition = f" if {', and '.join(asked)}" if asked else ""
    carried = f"; {step.codes.sentence()}" if step.codes is not None else ""
    if not plan.branches:
        return f"another {way(plan.route)}{condition}{carried}"
    return f"another{condition}, {', else '.join(_branch(*each) for each in plan.branches)}{carried}"


def _branch(when: Condition, route: Route) -> str:
    return f"{way(route)} where {when.inner_sentence()}"
