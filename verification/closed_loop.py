"""Whether the closed loop earns more than the rule it began with, in worlds kind and hostile, against the truth."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from training.closed_loop import Story, live
from training.policy_value import CONTACT_COST
from training.world import World
from verification import page
from verification.bars import Bar
from verification.runs import Runs

USERS, SEED = 40_000, 20_260_201
LEAST_BETTER, LEVEL = 0.9, 0.95
SE = 1.959963984540054


class Kind(NamedTuple):
    """A kind of world: how many, of how many people, what a message costs, and what else differs from the default."""

    seeds: int
    users: int = USERS
    contact: float = CONTACT_COST
    differs: Mapping[str, float] = {}


KINDS = {
    "default": Kind(10),
    "nobody can be persuaded": Kind(2, differs={"persuadable": 0.0}),
    "sure buyers are put off": Kind(2, differs={"contrary": 1.0}),
    "messages tire": Kind(2, differs={"tiring": 0.8}),
    "dear messages (0.30)": Kind(2, contact=0.3),
    "few people (3,000)": Kind(4, users=3000),
}
"""Seeds were fixed before the first run: `SEED` and the following ones, in this order."""


class Lived(NamedTuple):
    """What one world came to; money is of 1,000 people in four weeks.

    Attributes:
        kind: A key of `KINDS`.
        seed: Of the world.
        rule: What the cart rule truly earns over sending nothing.
        always: What writing after every visit truly earns over the rule.
        learned: What the learned policy truly earns over the rule.
        error: The standard error of that, by the draws of which the truth is a mean.
        changed: Whether the log spoke for anything but the rule.
        policy: In words.
        ruling: Of the A/B test; None where there was nothing to try.
        effect: True effect on the conversion rate, and the report's estimate with its interval; None likewise.
    """

    kind: str
    seed: int
    rule: float
    always: float
    learned: float
    error: float
    changed: bool
    policy: str
    ruling: str | None
    effect: tuple[float, float, float, float] | None

    @property
    def covered(self) -> bool | None:
        """Whether the report's interval held the true effect; None where there was no report."""
        return None if self.effect is None else self.effect[2] <= self.effect[0] <= self.effect[3]


def verified(runs: Runs) -> list[Bar]:
    """Live through all worlds, return what is promised with what was found, and write it to the pages."""
    runs.note(f"twelve weeks of {len(list(seeds()))} worlds")
    found = []
    for each in runs.of(lived, seeds()):
        found.append(each)
        runs.note(f"{each.kind}, seed {each.seed}: {each.policy}, {each.learned:+.0f}")
    page.write("closed loop", table(found))
    page.write("closed loop promises", page.bars_table(bars(found)))
    page.write("closed loop by world", kinds_table(found), page.DOCS / "learning.md")
    return bars(found)


def lived(world: tuple[str, int]) -> Lived:
    """Live through one world, of a kind and with a seed."""
    kind, seed = world
    said = KINDS[kind]
    story = live(World(said.users, seed=seed, **said.differs), contact=said.contact)  # type: ignore[arg-type]
    learned, error = story.gain("learned")
    return Lived(
        kind,
        seed,
        story.gain("rule", "none")[0],
        story.gain("always")[0],
        learned,
        error,
        story.tried is not None,
        story.policy.in_words,
        None if story.tried is None else story.tried.comparison.verdict.ruling.value,
        _effect(story),
    )


def _effect(story: Story) -> tuple[float, float, float, float] | None:
    return None if story.tried is None else (story.effect, *story.tried.effect)


def seeds() -> Iterator[tuple[str, int]]:
    """Yield every world that is lived through."""
    number = SEED
    for name, kind in KINDS.items():
        for _ in range(kind.seeds):
            yield name, number
            number += 1


def bars(found: Sequence[Lived]) -> list[Bar]:
    """Return the promises: better in nine of ten default worlds, which is counted, and intervals that cover in all."""
    default = [each for each in found if each.kind == "default"]
    covered = [each.covered for each in found if each.covered is not None]
    return [
        Bar("default worlds: the learned policy truly earns more", sum(each.learned > 0 for each in default),
            len(default), LEAST_BETTER, "least", counted=True),
        Bar("the report's interval holds the true effect", sum(covered), len(covered), LEVEL, "least"),
    ]  # fmt: skip


def table(found: Sequence[Lived]) -> str:
    """Return each world in a line."""
    head = ("world", "seed", "cart rule over nothing", "every visit over the rule", "learned over the rule", "chosen",
            "A/B test", "true effect on conversion, points, and the report's")  # fmt: skip
    return page.table(head, map(_cells, found))


def kinds_table(found: Sequence[Lived]) -> str:
    """Return each kind of world in a line: from where to where its worlds went."""
    head = ("world", "seeds", "cart rule over nothing", "every visit over the rule", "learned over the rule",
            "truly better than the rule", "A/B test", "intervals that hold the true effect")  # fmt: skip
    return page.table(head, (_summed(name, [each for each in found if each.kind == name]) for name in KINDS))


def _summed(kind: str, found: Sequence[Lived]) -> tuple[str, ...]:
    tried = [each for each in found if each.changed]
    rulings = Counter(each.ruling or "nothing to try" for each in found)
    return (
        kind,
        str(len(found)),
        _span(each.rule for each in found),
        _span(each.always for each in found),
        _span(each.learned for each in found),
        f"{sum(each.learned > 0 for each in found)}, kept the rule {len(found) - len(tried)}",
        ", ".join(f"{times} {ruling}" for ruling, times in rulings.most_common()),
        f"{sum(bool(each.covered) for each in tried)} of {len(tried)}" if tried else "–",
    )


def _span(money: Iterable[float]) -> str:
    low, *_, high = sorted(money)
    return f"{low:+.0f}" if round(low) == round(high) else f"{low:+.0f} to {high:+.0f}"


def _cells(each: Lived) -> tuple[str, ...]:
    effect = "–"
    if each.effect is not None:
        true, estimate, low, high = (f"{100 * value:+.2f}" for value in each.effect)
        effect = f"{true}: {estimate} ({low} to {high}){'' if each.covered else ' **missed**'}"
    learned = f"{each.learned:+.0f} ± {SE * each.error:.0f}" if each.changed else "0, kept the rule"
    return (each.kind, str(each.seed), f"{each.rule:+.0f}", f"{each.always:+.0f}", learned, each.policy,
            each.ruling or "nothing to try", effect)  # fmt: skip
