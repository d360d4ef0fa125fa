"""Which features the other means compute: all that one formula over a person's past events can express.

Left out are the open cart, the current session, the gaps between the latest orders and the activity profile, for which
the order of events matters; in the others' favour, since the kernels compute all features of the catalogue in one pass.
"""

import numpy as np
import pandas as pd

from features.activity import ELSEWHERE, PASSIVE, SESSION_GAP
from features.catalog import CATALOGUE
from features.declare import Age, AtMoment, Moment, Ratio, Source, Sum, Tally
from features.events import FLAG_MACHINE, FLAGS, KIND, OCCURRED_AT, PLUS_MINUS, PRODUCT, UTC_OFFSET_S
from features.fold import LogArrays
from features.kinds import Kind

PROFILE = (Moment.HOUR_SHARE, Moment.NEXT_DAY_SHARE)
COMPARABLE = tuple(
    each
    for each in CATALOGUE.declarations
    if isinstance(each, Sum | Ratio | Age) or (isinstance(each, AtMoment) and each.fact not in PROFILE)
)
COLUMNS = tuple(CATALOGUE.names.index(each.name) for each in COMPARABLE)
ACTIVE = frozenset(Kind) - PASSIVE
VISITS = ACTIVE - ELSEWHERE
SESSION_GAP_US = int(SESSION_GAP.total_seconds() * 1e6)
SOURCES = {source: source.name.lower() for source in Source}


def tallies() -> dict[Tally, str]:
    """Return every sum that the comparable features are made of, with a column name each."""
    wanted = [tally for each in COMPARABLE if isinstance(each, Sum | Ratio) for tally in _parts(each)]
    return {tally: f"sum_{number}" for number, tally in enumerate(dict.fromkeys(wanted))}


def frame(log: LogArrays) -> pd.DataFrame:
    """Return the log as a table with readable columns, a row each event, each person's rows together in log order."""
    records = log.records
    table = pd.DataFrame(
        {
            "user": log.user,
            "seq": log.seq,
            "at": log.known_at,
            "occurred_at": records[:, OCCURRED_AT].astype(np.int64),
            "kind": records[:, KIND].astype(np.int8),
            "machine": (records[:, FLAGS].astype(np.int64) & FLAG_MACHINE) != 0,
            "utc_offset_s": records[:, UTC_OFFSET_S],
            "product": records[:, PRODUCT],
        }
    )
    for source, name in SOURCES.items():
        signed = 1.0 if source == Source.ONE else records[:, PLUS_MINUS]
        table[name] = records[:, source] * signed
    return table


def with_sessions(table: pd.DataFrame) -> pd.DataFrame:
    """Add what each event was: something the person did (`active`), and the start of a visit to the shop (`began`)."""
    visit = table.kind.isin([int(kind) for kind in VISITS]) & ~table.machine
    pause = table.occurred_at[visit].groupby(table.user[visit]).diff()
    return table.assign(
        active=table.kind.isin([int(kind) for kind in ACTIVE]) & ~table.machine,
        began=(pause.isna() | (pause > SESSION_GAP_US)).reindex(table.index, fill_value=False),
    )


def _parts(each: Sum | Ratio) -> tuple[Tally, ...]:
    return (each.of, each.to) if isinstance(each, Ratio) else (each.of,)
