"""Bundles of send hours."""

import json

import numpy as np
import pytest

from models.manifest import BundleRefused
from models.send_hour_bundle import load, write
from tests.models.bundles import change_manifest
from tests.models.hours import EVERYBODY, OWLS, a_model, counted


def a_bundle(directory, **fields):
    write(directory, a_model(**fields), created_at="2026-01-01T00:00:00Z")
    return directory


def test_a_model_that_was_written_is_the_one_that_is_loaded(tmp_path):
    fields = {"cohorts": np.stack([EVERYBODY, OWLS]), "shares": np.array([0.75, 0.25]), "lineage": {"log": "abc"}}
    found = load(a_bundle(tmp_path / "7", strength=12.5, events_per_visit=3.0, **fields))
    counts = np.stack([counted([0, 1, 23]), counted([11] * 30), np.zeros(24)])

    given = a_model(strength=12.5, events_per_visit=3.0, **fields)
    np.testing.assert_array_equal(found.predict(counts), given.predict(counts))
    assert (found.name, found.version, found.lineage) == ("opportune-send-hour", "7", {"log": "abc"})
    assert load(tmp_path / "7", version="9").version == "9"


def test_a_bundle_is_one_file_of_json(tmp_path):
    a_bundle(tmp_path)

    assert [each.name for each in tmp_path.iterdir()] == ["manifest.json"]
    assert json.loads((tmp_path / "manifest.json").read_text())["kind"] == "send-hour"


def test_hours_by_kind_of_day_are_written_and_an_older_bundle_knows_none(tmp_path):
    by_day = np.stack([np.linspace(0.5, 1.5, 24), np.linspace(1.5, 0.5, 24)])
    model = load(a_bundle(tmp_path / "1", by_day=by_day))
    change_manifest(a_bundle(tmp_path / "2"), lambda manifest: [manifest.pop(each) for each in ("by_day", "trees")])
    counts = np.stack([counted([0, 1, 23]), counted([11] * 30)])

    np.testing.assert_array_equal(model.by_day, by_day)
    older, weekend = load(tmp_path / "2"), np.array(True)
    assert older.by_day is None
    np.testing.assert_array_equal(older.scores(counts, weekend), a_model().scores(counts))
    assert (model.scores(counts, weekend) != older.scores(counts, weekend)).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strength": 0.0}, "is damaged at strength"),
        ({"strength": "much"}, "is damaged at strength"),
        ({"events_per_visit": 0.5}, "is damaged at events_per_visit"),
        ({"cohorts": [[1 / 23] * 23]}, r"is damaged at cohorts\[0\]"),
        ({"cohorts": [[0.0, *[1 / 23] * 23]]}, r"is damaged at cohorts\[0\]\[0\]"),
        ({"cohorts": [[1.0] * 24]}, "must sum to one"),
        ({"shares": [0.5, 0.5]}, "1 cohorts and 2 shares"),
        ({"pickle": "gASV"}, "is damaged at pickle"),
        ({"by_day": [[1.0] * 24]}, "is damaged at by_day"),
        ({"by_day": [[1.0] * 24, [0.0, *[1.0] * 23]]}, r"is damaged at by_day\[1\]\[0\]"),
        ({"by_day": [[1.0] * 24, [1.0] * 7]}, r"is damaged at by_day\[1\]"),
        ({"habits": "another"}, "that states keep otherwise now. Retrain it."),
    ],
)
def test_what_is_damaged_or_learned_from_something_else_is_refused_with_the_reason(tmp_path, change, words):
    a_bundle(tmp_path)
    change_manifest(tmp_path, lambda manifest: manifest.update(change))

    with pytest.raises(BundleRefused, match=words):
        load(tmp_path)


def test_what_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(BundleRefused, match="holds no bundle"):
        load(tmp_path / "nowhere")

    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(BundleRefused, match="is damaged at the text"):
        load(tmp_path)
