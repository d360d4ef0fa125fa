"""Makes up a shop's clickstream: `python -m examples.clickstream.make_clickstream clicks.csv` (or `.jsonl`).

Anonymous visitors look around, remember articles, fill bags and pay. Now and then a visitor needs something: for a
few days they then come back more often, look at more, and fill bags that they pay for. Need is not in the file, what
it does is: a model that reads behaviour can tell who is about to pay, and will never be sure.
"""

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

COLUMNS: Final = ("hit", "cookie", "verb", "article", "shelf", "unit_cost", "pieces", "basket_total", "when")
FIRST_DAY: Final = datetime(2026, 1, 5, tzinfo=UTC)
SHOP_ZONE: Final = ZoneInfo("Europe/Berlin")
ARTICLES: Final = 400
SHELVES: Final = ("pots", "pans", "knives", "boards", "linen", "glass")
Row = dict[str, Any]


@dataclass(slots=True)
class Visitor:
    """One cookie, and how whoever is behind it behaves.

    Attributes:
        visits_a_day: On a day without need.
        needs_a_day: How often a need arises.
        hour: The local hour around which they come.
        purse: Price level of what they look at.
    """

    cookie: str
    visits_a_day: float
    needs_a_day: float
    hour: float
    purse: float
    needs_until: float = -1.0
    bag: list[tuple[int, int]] = field(default_factory=list)


def clicks(*, visitors: int, days: int, seed: int) -> list[Row]:
    """Return rows in the order of their time; the same for the same arguments."""
    random = np.random.default_rng(seed)
    prices = np.round(random.lognormal(3.0, 0.7, ARTICLES), 2).tolist()
    rows: list[tuple[float, Row]] = []
    for number in range(visitors):
        visitor = Visitor(
            cookie=f"c{seed:02d}-{number:06d}",
            visits_a_day=float(random.gamma(0.8, 0.12)),
            needs_a_day=float(random.gamma(0.6, 0.03)),
            hour=float(random.choice((8.0, 12.5, 20.0))),
            purse=float(random.uniform(0.5, 2.0)),
        )
        rows.extend(_life(visitor, days, prices, random))
    rows.sort(key=lambda row: row[0])
    return [{"hit": f"h{seq:07d}", **row, "when": _clock(day)} for seq, (day, row) in enumerate(rows)]


def _life(
    visitor: Visitor, days: int, prices: Sequence[float], random: np.random.Generator
) -> Iterator[tuple[float, Row]]:
    """Yield (moment in days, row) of everything that one visitor does."""
    arrives = random.uniform(0.0, days * 0.8)
    for day in range(int(arrives), days):
        if day > visitor.needs_until and random.random() < visitor.needs_a_day:
            visitor.needs_until = day + random.exponential(3.0)
            visitor.bag.clear()
        in_need = day <= visitor.needs_until
        visits = random.poisson(visitor.visits_a_day * (8.0 if in_need else 1.0)) + (day == int(arrives))
        for _ in range(visits):
            hour = (visitor.hour + random.normal(0.0, 1.5)) % 24.0
            yield from _visit(visitor, day + hour / 24.0, prices, random, in_need=in_need)


def _visit(
    visitor: Visitor, moment: float, prices: Sequence[float], random: np.random.Generator, *, in_need: bool
) -> Iterator[tuple[float, Row]]:
    shelf = int(random.integers(len(SHELVES)))
    yield moment, _row(visitor, "browse_shelf", shelf=SHELVES[shelf])
    for _ in range(1 + random.poisson(5.0 if in_need else 2.0)):
        moment += random.exponential(40.0) / 86_400.0
        article = int(random.integers(ARTICLES)) // len(SHELVES) * len(SHELVES) + shelf
        article %= ARTICLES
        goods = {"article": f"A{article:04d}", "shelf": SHELVES[article % len(SHELVES)]}
        goods["unit_cost"] = f"{prices[article] * visitor.purse:.2f}"
        yield moment, _row(visitor, "view_item", **goods)
        if random.random() < (0.10 if in_need else 0.03):
            yield moment + 5e-5, _row(visitor, "add_to_favorites", **goods)
        if random.random() < (0.22 if in_need else 0.03):
            pieces = int(random.integers(1, 4))
            visitor.bag.append((article, pieces))
            yield moment + 1e-4, _row(visitor, "put_in_bag", **goods, pieces=pieces)
    if random.random() < 0.02:
        yield moment + 2e-4, _row(visitor, "asked_the_parrot")
    yield from _leave(visitor, moment + 3e-4, prices, random, in_need=in_need)


def _leave(
    visitor: Visitor, moment: float, prices: Sequence[float], random: np.random.Generator, *, in_need: bool
) -> Iterator[tuple[float, Row]]:
    """End a visit: with second thoughts, with a payment, or just so."""
    if visitor.bag and random.random() < 0.10:
        article, pieces = visitor.bag.pop()
        yield moment, _row(visitor, "took_out_of_bag", article=f"A{article:04d}", pieces=pieces)
    if not visitor.bag or random.random() > (0.45 if in_need else 0.06):
        return
    yield moment + 1e-3, _row(visitor, "to_the_till")
    total = sum(prices[article] * visitor.purse * pieces for article, pieces in visitor.bag)
    pieces = sum(pieces for _, pieces in visitor.bag)
    visitor.bag.clear()
    visitor.needs_until = -1.0
    yield moment + 2e-3, _row(visitor, "paid", pieces=pieces, basket_total=f"{total:.2f}")


def _row(visitor: Visitor, verb: str, **others: Any) -> Row:
    return {"cookie": visitor.cookie, "verb": verb, **others}


def _clock(day: float) -> str:
    """Return the shop's own clock, which says neither its zone nor the century's usual order."""
    return (FIRST_DAY + timedelta(days=day)).astimezone(SHOP_ZONE).strftime("%d.%m.%Y %H:%M:%S.%f")


def write(rows: Sequence[Row], path: Path) -> None:
    """Write the rows to a `.csv` file, with empty cells, or to a `.jsonl` file, with fewer fields."""
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".jsonl":
            file.writelines(json.dumps(row) + "\n" for row in rows)
        else:
            writer = csv.DictWriter(file, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows(rows)


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("path", type=Path, help="clicks.csv or clicks.jsonl")
    parser.add_argument("--visitors", type=int, default=6000)
    parser.add_argument("--days", type=int, default=75)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    write(clicks(visitors=asked.visitors, days=asked.days, seed=asked.seed), asked.path)


if __name__ == "__main__":
    main()
