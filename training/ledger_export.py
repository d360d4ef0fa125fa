"""`make export-ledger`: every decision with what followed, for whoever evaluates policies with tools of their own."""

import argparse
import csv
import json
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.catalog import CATALOGUE
from features.moments import SECOND_US
from training.ledger_rows import Row, rows
from training.process import home_of_process, prepare

ACTIONS = ("control", "send")
"""What could be done where chance had a say: withhold the message, or send it; places are item ids and labels."""
SUFFIXES = {"parquet": "parquet", "obp": "csv", "dsjson": "jsonl"}
_MOMENT = pa.timestamp("us", tz="UTC")
_OUTCOME = pa.struct([("kind", pa.string()), ("occurred_at", _MOMENT), ("value", pa.float64())])
_COLUMNS: dict[str, pa.DataType] = {
    **dict.fromkeys(("trigger_decision_id", "decision_id", "user_key", "unit", "trigger"), pa.string()),
    "step": pa.int32(),
    "at": _MOMENT,
    "timezone": pa.string(),
    "local_hour": pa.int8(),
    **dict.fromkeys(("action", "reason", "experiment", "salt", "arm"), pa.string()),
    **dict.fromkeys(("arm_probability", "propensity", "send_probability"), pa.float64()),
    "explored": pa.bool_(),
    "everybody": pa.string(),
    "everybody_probability": pa.float64(),
    "hour_probability": pa.float64(),
    "hour_explored": pa.bool_(),
    "eligible_hours": pa.list_(pa.int8()),
    **dict.fromkeys(("score", "threshold"), pa.float64()),
    **dict.fromkeys(("horizon", "model_version", "policy_version", "channels"), pa.string()),
    "due_at": _MOMENT,
    "delivered_at": _MOMENT,
    "window_end": _MOMENT,
    "matured": pa.bool_(),
    "orders": pa.int32(),
    "revenue": pa.float64(),
    "outcomes": pa.list_(_OUTCOME),
    "catalogue": pa.string(),
    "scores": pa.string(),
    "raw_scores": pa.string(),
}
SCHEMA = pa.schema([*_COLUMNS.items(), *((f"feature.{name}", pa.float64()) for name in CATALOGUE.names)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and export; 1 where there is no ledger."""
    asked = _parser().parse_args(arguments)
    home = home_of_process()
    prepare(home)
    database = home / "opportune.db"
    if not database.exists():
        sys.stderr.write(f"export-ledger: {database} does not exist: there is no ledger to export\n")
        return 1
    out = asked.out or home / "exports" / f"ledger.{SUFFIXES[asked.format]}"
    out.parent.mkdir(parents=True, exist_ok=True)
    count = FORMATS[asked.format](rows(database, trigger=asked.trigger), out)
    sys.stdout.write(f"{count:,} decisions written to {out}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.ledger_export", description=__doc__)
    parser.add_argument("format", choices=sorted(SUFFIXES), help="see docs/reports.md")
    parser.add_argument("--out", type=Path, help="the file (default: exports/ledger.… below OPPORTUNE_HOME)")
    parser.add_argument("--trigger", help="whose decisions (default: all)")
    return parser


def parquet(parts: Iterable[Sequence[Row]], out: Path) -> int:
    """Write every decision, held ones too, with all that the ledger has; return how many."""
    count = 0
    with pq.ParquetWriter(out, SCHEMA, compression="zstd") as writer:
        for part in parts:
            writer.write_table(pa.Table.from_pylist([_flat(each) for each in part], schema=SCHEMA))
            count += len(part)
    return count


def _flat(row: Row) -> dict[str, Any]:
    features = {f"feature.{name}": _known(value) for name, value in (row.features or {}).items()}
    values = [each.value for each in row.orders if each.value is not None]
    # Orders are tied to what was sent, withheld or left to chance: of the others it is not known that none followed.
    followed = row.decision["action"] != "hold" or row.decision["send_probability"] is not None
    return {
        **{key: value for key, value in row.decision.items() if key in _COLUMNS},
        "local_hour": row.local_hour,
        "delivered_at": row.delivered_at,
        "window_end": row.window_end,
        "matured": row.matured,
        "orders": len(row.orders) if followed else None,
        "revenue": sum(values) if values else None,
        "outcomes": [each._asdict() for each in row.outcomes],
        "scores": json.dumps(row.scores),
        "raw_scores": json.dumps(row.raw_scores) if row.raw_scores else None,
        **features,
    }


def obp(parts: Iterable[Sequence[Row]], out: Path) -> int:
    """Write matured decisions in which chance had a say in the columns of the Open Bandit Dataset; return how many.

    Saito, Aihara, Matsutani and Narita, "Open Bandit Dataset and Pipeline", NeurIPS 2021 Datasets and Benchmarks track.
    `item_id` is 0 where the message was withheld and 1 where it was sent, `click` whether an order followed within the
    horizon, `propensity_score` the probability of what was done.
    """
    features = [f"user_feature_{i}" for i in range(len(CATALOGUE.names))]
    count = 0
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["", "timestamp", "item_id", "position", "click", "propensity_score", *features])
        for row in _judgeable(parts):
            values = [_written(each) for each in (row.features or dict.fromkeys(CATALOGUE.names, math.nan)).values()]
            action, clicked = int(row.sent), int(bool(row.orders))
            writer.writerow([count, _moment(row).isoformat(" "), action, 1, clicked, row.propensity, *values])
            count += 1
    return count


def dsjson(parts: Iterable[Sequence[Row]], out: Path) -> int:
    """Write the same decisions as Vowpal Wabbit's DSJSON, one a line; return how many.

    The cost is −1 where an order followed within the horizon, else 0. Unknown features are left out, as in sparse data.
    """
    count = 0
    with out.open("w", encoding="utf-8") as file:
        for row in _judgeable(parts):
            file.write(json.dumps(_interaction(row), separators=(",", ":")) + "\n")
            count += 1
    return count


def _interaction(row: Row) -> dict[str, Any]:
    decision = row.decision
    chosen, propensity = int(row.sent), row.propensity
    cost = -float(bool(row.orders))
    # What was done comes first, as the format wants it.
    order = [chosen, 1 - chosen]
    user = {name: value for name, value in (row.features or {}).items() if math.isfinite(value)}
    return {
        "_label_cost": cost,
        "_label_probability": propensity,
        "_label_Action": chosen + 1,
        "_labelIndex": chosen,
        "o": [{"EventId": decision["trigger_decision_id"], "v": cost}],
        "Timestamp": _moment(row).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "Version": "1",
        "EventId": decision["trigger_decision_id"],
        "a": [each + 1 for each in order],
        "c": {
            "User": user,
            "Trigger": {"name": decision["trigger"], "score": _known(decision["score"])},
            "_multi": [{"Action": {"does": each}} for each in ACTIONS],
        },
        "p": [propensity, 1.0 - propensity],
        "VWState": {"m": f"{decision['model_version']}/{decision['policy_version']}"},
    }


def _judgeable(parts: Iterable[Sequence[Row]]) -> Iterable[Row]:
    """Yield what can be learned from: where something else could have been done, and what followed is known."""
    return (row for part in parts for row in part if row.drawn and row.matured)


def _moment(row: Row) -> datetime:
    return datetime.fromtimestamp(row.decision["at"] / SECOND_US, UTC)


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _written(value: float) -> float | str:
    return value if math.isfinite(value) else ""


FORMATS: dict[str, Callable[[Iterable[Sequence[Row]], Path], int]] = {"parquet": parquet, "obp": obp, "dsjson": dsjson}

if __name__ == "__main__":
    sys.exit(main())
