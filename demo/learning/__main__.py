"""`make demo-learning`: begin with a rule, log, learn, choose, try, and compare with what is true."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.screen import near, time_taken
from demo.steps import Steps, home_of

if TYPE_CHECKING:
    from training.closed_loop import Story

USERS, SEED = 60_000, 20_260_201


def summary(story: "Story") -> dict[str, Any]:
    """Return all that is told, as JSON; money is of 1,000 people in four weeks."""
    tried = story.tried
    return {
        "users": story.world.users,
        "seed": story.world.seed,
        "prices": vars(story.prices),
        "visits": len(story.visits),
        "rounds": [
            {"day": each.day, "promoted": each.gate.promoted, "gate": each.gate.reason, "in_words": each.in_words,
             "cart": _reason(each.cart), "browse": _reason(each.browse)}
            for each in story.rounds
        ],
        "policy": story.policy.in_words,
        "test": None if tried is None else {
            "sentence": tried.comparison.verdict.sentence, "verdict": tried.comparison.verdict.ruling.value,
            "effect": tried.effect._asdict(), "true_effect": story.effect, "users": len(tried.report.units),
            "profit": {name: 1000 * value for name, value in tried.profit._asdict().items()},
        },
        "truth": {
            name: {"over_nothing": story.gain(name, "none")[0], "over_the_rule": story.gain(name)[0], "sent": each.sent,
                   "orders": each.orders, "unsubscribed": each.unsubscribed}
            for name, each in story.truths.items()
        },
    }  # fmt: skip


def _reason(found: Any) -> str | None:
    return found if found is None or isinstance(found, str) else str(found.reason)


def lines(told: dict[str, Any]) -> Iterator[str]:
    """Yield what to print."""
    yield f"A made-up shop of {told['users']:,} people, twelve weeks. Nothing in it is real, so the truth is known."
    for each in told["rounds"]:
        yield f"  day {each['day']}: {each['in_words']}"
    test = told["test"]
    if test is None:
        yield "The log spoke for nothing but the rule, so there was nothing to try."
    else:
        effect = test["effect"]
        yield f"A/B test of four weeks, {test['users']:,} people: {test['sentence']}"
        inside = "inside" if effect["low"] <= test["true_effect"] <= effect["high"] else "outside"
        says, low, high = (f"{100 * effect[each]:+.2f}" for each in ("estimate", "low", "high"))
        true = f"{100 * test['true_effect']:+.2f}"
        yield f"  it says {says} points ({low} to {high}); true are {true}, {inside} the interval"
    yield "What 1,000 people truly earn in four weeks over writing to nobody:"
    for name, words in (("rule", "the cart rule"), ("always", "after every visit"), ("learned", "what was learned")):
        each = told["truth"][name]
        counts = f"{each['sent']:,.0f} messages, {each['unsubscribed']:,.0f} unsubscribed"
        yield f"  {words:<18} {each['over_nothing']:+7.0f}, by {counts}"


def write_page(path: Path, told: dict[str, Any], picture: Path) -> None:
    """Write all of it as one HTML file that needs nothing else."""
    from training.markup import STYLE, text
    from training.markup import picture as shown

    body = "".join(f"<p>{text(line)}</p>" for line in lines(told))
    title = "From a rule to a learned policy"
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
    path.write_text(f"{head}<h1>{title}</h1>{shown('Twelve weeks', picture)}{body}</html>", encoding="utf-8")


def main() -> int:
    """Run the demonstration and show one screen."""
    parser = argparse.ArgumentParser(prog="python -m demo.learning", description=__doc__)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--seed", type=int, default=SEED)
    asked, steps = parser.parse_args(), Steps()
    home = home_of("demo-learning")
    from demo.learning.picture import draw
    from training.closed_loop import live
    from training.world import World

    with steps.step("live through twelve weeks"):
        story = live(World(asked.users, seed=asked.seed), say=lambda line: print(f"  {line}", file=sys.stderr))
    with steps.step("draw"):
        draw(home / "weeks.png", story)
    told = summary(story)
    write_page(home / "report.html", told, home / "weeks.png")
    (home / "summary.json").write_text(json.dumps({**told, "seconds": steps.rounded}, indent=2) + "\n")
    for line in lines(told):
        print(line)
    print(
        f"Picture and page: {near(home)}/report.html; figures in {near(home)}/summary.json; {time_taken(steps.rounded)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
