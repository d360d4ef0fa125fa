"""One day of the Google Merchandise Store as calls of Segment's SDK, in the order in which they happened.

The file tells pages by their addresses, and of products nothing else: their names are read from those, and there are
no prices. Where something was put into the cart from a list of products, only the list is known.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import yaml

GMS: Final = Path(__file__).parents[2] / "examples" / "gms"
SHOP: Final = "https://shop.example"
"""Stands for the shop, whose own address no mail of a demonstration should lead to."""
MINUTE_US: Final = 60_000_000
_NAMED_HERE: Final = frozenset({"/signin.html", "/yourinfo.html", "/registersuccess.html", "/payment.html"})
_ABOUT_A_PRODUCT: Final = frozenset({"Product Viewed", "Product Clicked", "Product Added"})
_ROOT: Final = "/google redesign/"


@dataclass(frozen=True, slots=True)
class Hit:
    """What a visitor did.

    Attributes:
        visitor: Who, as the file calls them.
        at: When, in microseconds.
        event: Our name of it.
        properties: What is known of it.
        message_id: The same for rows that are the same.
        names_itself: Whether the page is one where people say who they are.
    """

    visitor: str
    at: int
    event: str
    properties: dict[str, Any]
    message_id: str
    names_itself: bool


def load() -> list[Hit]:
    """Read the day, in order of time."""
    names = yaml.safe_load((GMS / "events.yaml").read_text(encoding="utf-8"))["events"]
    with gzip.open(GMS / "gms-2017-08-01.csv.gz", "rt", encoding="utf-8", newline="") as file:
        hits = [_hit(row, names) for row in csv.DictReader(file)]
    return sorted(hits, key=lambda each: each.at)


def chunks(hits: Sequence[Hit], every_us: int) -> Iterator[tuple[int, list[Hit]]]:
    """Yield the hits of each stretch of time with the moment of its end, those without any included."""
    by_stretch: dict[int, list[Hit]] = defaultdict(list)
    for hit in hits:
        by_stretch[hit.at // every_us].append(hit)
    for stretch in range(min(by_stretch), max(by_stretch) + 1):
        yield (stretch + 1) * every_us, by_stretch.get(stretch, [])


def moment(at: int) -> datetime:
    """Return a moment in microseconds as the SDK takes it."""
    seconds, rest = divmod(at, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def product(path: str) -> dict[str, str]:
    """Return what the address of a page says of a product: its name, or the category of its list.

    Examples:
        >>> product("/google+redesign/bags/backpacks/waterproof+backpack.axd")["name"]
        'Waterproof Backpack'
        >>> product("/google+redesign/office/notebooks++journals/quickview")["category"]
        'Notebooks & Journals'
        >>> product("/asearch.html")
        {'product_id': '/asearch.html'}
    """
    place = path.removesuffix("/quickview").rstrip("/")
    said = {"product_id": place}
    words = place.removesuffix("/home").replace("++", " & ").replace("+", " ").replace("&  ", "& ")
    if not words.startswith(_ROOT):
        return said
    told = words.rsplit("/", 1)[-1].removesuffix(".axd").title()
    return {**said, "name" if words.endswith(".axd") else "category": told, "url": f"{SHOP}{place}"}


def _hit(row: dict[str, str], names: dict[str, str]) -> Hit:
    event, path = names[row["action"]], row["path"]
    about = product(path) if event in _ABOUT_A_PRODUCT else {}
    # Nothing in the file tells orders apart, so none has an id; of one visit, the page of the order was loaded again.
    order = {"checkout_id": row["visit"]} if event in ("Checkout Started", "Order Completed") else {}
    return Hit(
        visitor=row["visitor"],
        at=int(row["ts"]) * 1000,
        event=event,
        properties={"path": path, "device": row["device"], "channel": row["channel"], **about, **order},
        message_id=blake2b("|".join(row.values()).encode(), digest_size=16).hexdigest(),
        names_itself=path.partition("?")[0] in _NAMED_HERE,
    )
