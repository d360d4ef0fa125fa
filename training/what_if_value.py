"""What two policy files earn by the ledger, trigger by trigger: the second half of `make what-if`."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from policy.policy import Policy
from policy.source import PolicyRefused, load
from policy.triggers import Trigger
from training.policy_value import add_prices, prices_of
from training.process import home_of_process, prepare

if TYPE_CHECKING:
    from training.decision_log import Ledger
    from training.decisions import Decisions, Prices
    from training.off_policy import Interval

UNDECIDING: Final = {"threshold", "mode", "hold_out", "experiment", "explore", "arms"}
"""Fields of a trigger that may differ: the value is that of sending to all from a threshold on, without draws."""


@dataclass(frozen=True)
class Value:
    """What a trigger earns by 1,000 decisions more than if it sent nothing; each an estimate, low and high at 95 %.

    Attributes:
        present: Under the policy in force.
        other: Under the other one.
        difference: The other's less the present one's.
        effective: How many decisions of the present and of the other policy the log is worth.
        refusal: Why there is no answer; empty where there is one.
    """

    present: "Interval | None" = None
    other: "Interval | None" = None
    difference: "Interval | None" = None
    effective: tuple[float, float] | None = None
    refusal: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the policy in force and the one of a file; 0 judged, or nothing to judge by, 1 refused."""
    parser = argparse.ArgumentParser(prog="python -m training.what_if_value", description=__doc__)
    parser.add_argument("triggers", type=Path, help="the other policy file")
    add_prices(parser)
    asked = parser.parse_args(arguments)
    home = home_of_process()
    in_force = Path(os.environ.get("OPPORTUNE_TRIGGERS") or "triggers.yaml")
    try:
        present, other = load(in_force), load(asked.triggers)
    except PolicyRefused as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    prepare(home)
    from training.decision_log import Ledger

    ledger = Ledger(home / "opportune.db")
    if asked.order_value is None and ledger.mean_order is None:
        sys.stdout.write("Value: no order has an amount; say what one earns, as in ORDER_VALUE=12\n")
        return 0
    prices = prices_of(asked, ledger.mean_order)
    told = {name: _judged(name, ledger, present, other, prices) for name in {**present.by_name, **other.by_name}}
    sys.stdout.write(
        "Earned by 1,000 decisions more than by sending nothing, by all matured decisions of the ledger:\n"
    )
    for name, found in told.items():
        sys.stdout.write(f"{name}: {in_words(found)}\n")
    folder = home / "what-if"
    folder.mkdir(parents=True, exist_ok=True)
    content = {"prices": asdict(prices), "triggers": {name: asdict(each) for name, each in told.items()}}
    (folder / "value.json").write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return 0


def in_words(found: Value) -> str:
    """Return a value as one line."""
    if found.present is None or found.other is None or found.difference is None or found.effective is None:
        return f"no answer: {found.refusal}"
    parts = (found.present, found.other, found.difference)
    present, other, more = (f"{each[0]:+.1f} [{each[1]:+.1f}, {each[2]:+.1f}]" for each in parts)
    worth = "worth {:,.0f} and {:,.0f} decisions".format(*found.effective)
    return f"present {present}, other {other}, difference {more} (the log is {worth} of them)"


def thresholds(present: Trigger, other: Trigger | None) -> tuple[float, float]:
    """Return by which thresholds both decide; one that is gone sends nothing, at infinity.

    Raises:
        Unanswerable: Something else differs that decides, or an arm does: the score alone does not tell.
    """
    from training.off_policy import Unanswerable

    if present.arms or (other is not None and other.arms):
        raise Unanswerable("it has arms: `make report` compares these")
    if present.asks_uplift or (other is not None and other.asks_uplift):
        raise Unanswerable("it goes by uplift, and what is judged here is the threshold of the score")
    if other is None:
        return present.threshold, float("inf")
    if present.model_dump(exclude=UNDECIDING) != other.model_dump(exclude=UNDECIDING):
        raise Unanswerable("more than its threshold differs, and the log tells of nothing else: try it in an A/B test")
    return present.threshold, other.threshold


def value(log: "Decisions", prices: "Prices", present: float, other: float, *, seed: int = 0) -> Value:
    """Return what two thresholds earn, doubly robust, with intervals by person.

    Raises:
        Unanswerable: The log does not tell of one of them, or of sending nothing.
    """
    import numpy as np

    from training import off_policy

    if not len(log):
        raise off_policy.Unanswerable("there are no matured decisions yet")
    expected, rewards = off_policy.expected_rewards(log, prices, seed=seed), log.rewards(prices)
    sends = [log.score >= each for each in (present, other, np.inf)]
    found = [off_policy.weights(log, each) for each in sends]
    one, two, none = (
        off_policy.doubly_robust(log, send, each, rewards, expected) for send, each in zip(sends, found, strict=True)
    )
    rows = 1000 * np.column_stack([one - none, two - none, two - one])
    drawn = off_policy.resampled(rows, log.user, seed=seed).T
    told = [off_policy.interval(float(mean), each) for mean, each in zip(rows.mean(axis=0), drawn, strict=True)]
    sizes = off_policy.effective_size(found[0]), off_policy.effective_size(found[1])
    return Value(told[0], told[1], told[2], sizes)


def _beside(policy: Policy) -> tuple[object, ...]:
    return policy.segments, policy.templates, policy.shop_zone


def _judged(name: str, ledger: "Ledger", present: Policy, other: Policy, prices: "Prices") -> Value:
    from training.off_policy import Unanswerable

    if name not in present.by_name:
        return Value(refusal="the policy in force does not have it, so nothing was decided by it")
    if _beside(present) != _beside(other):
        return Value(refusal="segments, templates or the shop's zone differ, and the log does not tell of that")
    try:
        limits = thresholds(present.by_name[name], other.by_name.get(name))
        return value(ledger.of(name).decisions, prices, *limits)
    except Unanswerable as refused:
        return Value(refusal=str(refused))
    except LookupError as missing:
        return Value(refusal=str(missing.args[0]))


if __name__ == "__main__":
    sys.exit(main())
