"""`make simulate`: a history of a made-up shop, for whoever has none yet; never to be shown as real."""

import argparse
import gzip
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.shop import Shop
from training.world import World
from training.world_lines import Lines


def simulate(world: World, days: int) -> Iterator[str]:
    """Yield the events of so many days as lines of JSON, as they arrive: the same ones for the same world."""
    shop = Shop(world)
    lines = Lines(world, shop.people)
    for _ in range(days):
        yield from lines.of_day(shop.day(), shop.now)
    yield from lines.rest()


def write(path: Path, lines: Iterator[str]) -> int:
    """Write lines to a file, gzipped if its name says so, whole or not at all; return how many."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    count = 0
    with gzip.open(beside, "wt", compresslevel=1) if path.suffix == ".gz" else beside.open("w") as file:
        for line in lines:
            file.write(line)
            count += 1
    beside.replace(path)
    return count


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and write the file."""
    asked = _parser().parse_args(arguments)
    out = asked.out or Path(os.environ.get("OPPORTUNE_HOME", "var")) / "simulated.jsonl"
    begun = time.perf_counter()
    count = write(out, simulate(World(asked.users, seed=asked.seed), asked.days))
    sys.stdout.write(
        f"{count:,} made-up events of {asked.users:,} people in {asked.days} days, written to {out} "
        f"in {time.perf_counter() - begun:.0f} s\nNothing in it is real. To import it: make import FILE={out}\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.simulator", description=__doc__)
    parser.add_argument("--users", type=_positive, default=2000, help="how many people (2000)")
    parser.add_argument("--days", type=_positive, default=60, help="how many days (60)")
    parser.add_argument("--seed", type=_seed, default=1, help="the same seed gives the same events (1)")
    parser.add_argument("--out", type=Path, help="a .jsonl or .jsonl.gz file; simulated.jsonl in the home if not said")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


if __name__ == "__main__":
    main()
