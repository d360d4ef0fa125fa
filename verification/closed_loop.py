"""Whether the closed loop earns more than the rule it began with, in worlds kind and hostile, against the truth.

`python -m verification.closed_loop` writes its figures to `docs/statistics.md`; `--part` and `--json` do a part of it.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from training.closed_loop import Story, live
from training.policy_value import CONTACT_COST
from training.world import World
from verification import page
from verification.bars import Bar

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


def lived(kind: str, seed: int) -> Lived:
    """Live through one world."""
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
    """Return the promises: better in nine of ten default worlds, and intervals that cover in all."""
    default = [each for each in found if each.kind == "default"]
    covered = [each.covered for each in found if each.covered is not None]
    return [
        Bar("default worlds: the learned policy truly earns more", sum(each.learned > 0 for each in default),
            len(default), LEAST_BETTER, "least"),
        Bar("the report's interval holds the true effect", sum(covered), len(covered), LEVEL, "least"),
    ]  # fmt: skip


def kept(found: Sequence[Lived]) -> bool:
    """Whether nine of ten default worlds are better, counted and not tested, and intervals cover."""
    better, covers = bars(found)
    return better.rate >= LEAST_BETTER and covers.holds


def table(found: Sequence[Lived]) -> str:
    """Return each world in a line."""
    head = ("world", "seed", "cart rule over nothing", "every visit over the rule", "learned over the rule", "chosen",
            "A/B test", "true effect on conversion, points, and the report's")  # fmt: skip
    rows = [" | ".join(each) for each in (head, ("---",) * len(head))]
    return "".join(f"| {each} |\n" for each in rows) + "".join(f"{_line(each)}\n" for each in found)


def _line(each: Lived) -> str:
    effect = "–"
    if each.effect is not None:
        true, estimate, low, high = (f"{100 * value:+.2f}" for value in each.effect)
        effect = f"{true}: {estimate} ({low} to {high}){'' if each.covered else ' **missed**'}"
    learned = f"{each.learned:+.0f} ± {SE * each.error:.0f}" if each.changed else "0, kept the rule"
    cells = (each.kind, each.seed, f"{each.rule:+.0f}", f"{each.always:+.0f}", learned, each.policy,
             each.ruling or "nothing to try", effect)  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Live through all worlds, or read what was lived through, and write the figures; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m verification.closed_loop", description=__doc__)
    parser.add_argument("--part", type=_part, default=(0, 1), help="such as 0/2: every second world, from the first")
    parser.add_argument("--json", type=Path, help="add what was found to this file, a line each, and write no page")
    parser.add_argument("--read", type=Path, nargs="+", default=(), help="files of --json: write the page from these")
    asked = parser.parse_args(arguments)
    if asked.read:
        lines = [json.loads(line) for path in asked.read for line in path.read_text().splitlines()]
        found = sorted((_read(each) for each in lines), key=lambda each: each.seed)
    else:
        found = list(_lived(list(seeds())[asked.part[0] :: asked.part[1]], asked.json))
    for each in found:
        sys.stdout.write(f"{_line(each)}\n")
    if asked.json is None:
        page.write("closed loop", table(found))
        page.write("closed loop promises", page.bars_table(bars(found)))
    return 0 if kept(found) else 1


def _lived(worlds: Sequence[tuple[str, int]], path: Path | None) -> Iterator[Lived]:
    for kind, seed in worlds:
        found = lived(kind, seed)
        if path is not None:
            with path.open("a") as file:
                file.write(json.dumps(found._asdict()) + "\n")
        yield found


def _read(said: dict[str, Any]) -> Lived:
    return Lived(**{**said, "effect": None if said["effect"] is None else tuple(said["effect"])})


def _part(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    return int(part), int(parts)


if __name__ == "__main__":
    sys.exit(main())
