import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from features.catalog import CATALOGUE
from models.bundle import read_reference
from models.manifest import Manifest
from tests.features.histories import DAY
from tests.training.healthy import PEOPLE, a_healthy_home
from tests.training.ledgers import MODEL, NOW
from training.occasions import NO_EVENT, occasions
from training.served import read_served
from training.shifts import shifts
from training.status import Status


def compared(folder, **home):
    """Return what was served in a home, and what its model learned from."""
    path = a_healthy_home(folder, **home).write()
    bundle = folder / "bundles" / "opportune-intent-24h" / "7"
    with closing(sqlite3.connect(path)) as connection:
        served = read_served(connection, since_us=NOW - 8 * DAY, until_us=NOW + 1)
    return served, read_reference(bundle, Manifest.read(bundle))


def statuses(found):
    return {name: each.status for name, each in found.by_feature.items()}


def test_nothing_is_said_to_have_changed_where_nothing_has(tmp_path):
    found = shifts(*compared(tmp_path), "24h", MODEL)

    assert set(statuses(found).values()) == {Status.OK}
    assert found.scores.status is Status.OK
    assert (found.rows, found.worth, found.left_out) == (PEOPLE, PEOPLE, 0)


def test_exactly_the_shifted_feature_is_flagged(tmp_path):
    found = shifts(*compared(tmp_path, shifted=("cart_items",)), "24h", MODEL)

    assert statuses(found) == {"order_age_d": Status.OK, "orders_hl30d": Status.OK, "cart_items": Status.LARGE}
    assert found.scores.status is Status.OK
    assert found.status is Status.LARGE


def test_another_mix_of_occasions_is_no_change(tmp_path):
    served, learned = compared(tmp_path)
    # Half of what was learned from was looked at in another situation, in which all values are other ones.
    (counts,) = learned.scores.counts
    elsewhere = tuple(reversed(counts))
    both = {name: its.model_copy(update={"counts": (*its.counts, (0.0,) * (len(its.edges) + 1) + (9.0,))})
            for name, its in learned.features.items()}  # fmt: skip
    wider = {"rows": (6000, 6000), "worth": (6000.0, 6000.0)}
    mixed = learned.model_copy(
        update={
            "occasions": ("product_added", "asked later"),
            "learned": learned.learned.model_copy(update=wider),
            "tested": learned.tested.model_copy(update=wider),
            "features": both,
            "scores": learned.scores.model_copy(update={"counts": (counts, elsewhere)}),
        }
    )

    assert shifts(served, mixed, "24h", MODEL) == shifts(served, learned, "24h", MODEL)


def test_at_which_hour_somebody_was_asked_for_is_no_change_of_people(tmp_path):
    served, learned = compared(tmp_path)
    asked = np.arange(len(served)) % 2 == 0
    hours = CATALOGUE.names.index("hour_sin")
    rows = served.features.copy()
    rows[:, hours] = np.where(asked, 99.0, rows[:, CATALOGUE.names.index("cart_items")])
    by_night = replace(served, kind=np.where(asked, NO_EVENT, served.kind), features=rows)
    everywhere = tuple(sorted({*occasions(by_night.kind, rows).tolist()}))
    many = {"rows": (6000,) * len(everywhere), "worth": (6000.0,) * len(everywhere)}
    features = {**learned.features, "hour_sin": learned.features["cart_items"]}
    known = learned.model_copy(
        update={
            "occasions": everywhere,
            "learned": learned.learned.model_copy(update=many),
            "features": {
                name: its.model_copy(update={"counts": its.counts * len(everywhere)}) for name, its in features.items()
            },
            "tested": learned.tested.model_copy(
                update={"rows": (0,) * len(everywhere), "worth": (0.0,) * len(everywhere)}
            ),
        }
    )

    found = shifts(by_night, known, "24h", MODEL)

    assert found.rows == PEOPLE
    assert statuses(found)["hour_sin"] is Status.OK
    # After events it is: what people do at another hour is a change of theirs.
    rows[:, hours] = 99.0
    assert statuses(shifts(replace(by_night, features=rows), known, "24h", MODEL))["hour_sin"] is Status.LARGE


def test_occasions_that_were_never_learned_from_are_left_out(tmp_path):
    served, learned = compared(tmp_path)
    kind = np.where(np.arange(len(served)) < 300, NO_EVENT, served.kind)

    found = shifts(replace(served, kind=kind), learned, "24h", MODEL)

    assert (found.rows, found.left_out) == (PEOPLE - 300, 300)


def test_rows_of_few_people_say_nothing(tmp_path):
    served, learned = compared(tmp_path)

    found = shifts(replace(served, person=served.person % 9), learned, "24h", MODEL)

    assert (found.by_feature, found.scores, found.status) == ({}, None, Status.UNKNOWN)


def test_scores_of_another_version_are_not_compared(tmp_path):
    served, learned = compared(tmp_path)

    assert shifts(served, learned, "24h", "opportune-intent-24h/8").scores is None


@pytest.mark.parametrize("most", [200, 5000])
def test_so_many_rows_are_read_evenly(tmp_path, most):
    path = a_healthy_home(tmp_path).write()
    with closing(sqlite3.connect(path)) as connection:
        found = read_served(connection, since_us=NOW - 8 * DAY, until_us=NOW, most=most)

    assert len(found) == min(PEOPLE, most)
    assert np.all(np.diff(found.at) > 0)
    assert found.at[0] < NOW - 7 * DAY
    assert found.at[-1] > NOW - DAY
