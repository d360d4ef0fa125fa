"""Bundles of uplift."""

import json

import numpy as np
import pytest

from features.catalog import CATALOGUE
from features.declare import Age
from features.kinds import Kind
from features.layout import compile_catalogue
from models.manifest import BundleRefused
from models.probe import probe
from models.uplift_bundle import load
from tests.models.bundles import change_manifest
from tests.models.uplifts import ORDERS, a_bundle, texts
from training.uplift import LEARNERS

ROWS = 400


def a_log(seed=3):
    """Return what is known, who was treated and what came of it, for the columns of a bundle."""
    drawn = np.random.default_rng(seed)
    known = np.column_stack([drawn.random(4000), drawn.lognormal(1.0, 1.0, (4000, CATALOGUE.n_features))])
    known[:, 1:][drawn.random((4000, CATALOGUE.n_features)) < 0.1] = np.nan
    treated = drawn.random(4000) < 0.5
    outcome = drawn.random(4000) < 0.2 + 0.2 * treated * (known[:, 1 + ORDERS] > 3)
    return known, treated, outcome


@pytest.mark.parametrize("name", LEARNERS)
def test_what_was_learned_is_what_is_served_of_each_learner(tmp_path, name):
    known, treated, outcome = a_log()
    fitted = LEARNERS[name](known, treated, outcome, 0.5)

    found = load(a_bundle(tmp_path / "7", learner=name, models=fitted.texts))

    assert (found.version, found.horizon, found.pays, found.lineage) == ("7", "24h", 0.004, {"log": "abc"})
    served = found.predict(known[:ROWS, 1:], known[:ROWS, 0])
    np.testing.assert_allclose(served, fitted(known[:ROWS]), rtol=0, atol=1e-12)
    assert served.std() > 0


def test_a_bundle_that_is_whole_passes_in_a_process_of_its_own(tmp_path):
    probe(a_bundle(tmp_path), "uplift/warm-cart", timeout_s=120)
    (tmp_path / "trees-0.txt").write_text("tree")

    with pytest.raises(BundleRefused, match=r"trees-0\.txt is damaged"):
        probe(tmp_path, "uplift/warm-cart", timeout_s=120)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"learner": "T-learner"}, "a T-learner has 2 models, and here are 1"),
        ({"learner": "X-learner"}, "is damaged at learner"),
        ({"trigger": "other"}, "opportune-uplift-warm-cart is not what a model of other is called"),
        ({"horizon": "soon"}, "'soon' is no horizon"),
        ({"pays": -0.1}, "is damaged at pays"),
        ({"pickle": "gASV"}, "is damaged at pickle"),
        ({"kind": "segments"}, "is damaged at kind"),
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path, change, words):
    a_bundle(tmp_path)
    change_manifest(tmp_path, lambda manifest: manifest.update(change))

    with pytest.raises(BundleRefused, match=words):
        load(tmp_path)


@pytest.mark.parametrize("text", ["no trees", texts()[0].replace("split_feature=", "split_feature=9999 ")])
def test_trees_that_lead_nowhere_are_refused(tmp_path, text):
    with pytest.raises(BundleRefused, match="cannot be walked"):
        load(a_bundle(tmp_path, models=[text]))


def test_what_was_learned_from_other_features_is_refused_with_their_names(tmp_path):
    lacking = compile_catalogue((Age(name="order_age_d", meaning="", kinds=frozenset({Kind.ORDER_REFUNDED})),))

    with pytest.raises(
        BundleRefused, match="opportune-uplift-warm-cart was trained on other features: the catalogue has"
    ):
        load(a_bundle(tmp_path), lacking)


def test_a_bundle_is_text_and_json(tmp_path):
    a_bundle(tmp_path)

    assert sorted(each.name for each in tmp_path.iterdir()) == ["manifest.json", "trees-0.txt"]
    assert json.loads((tmp_path / "manifest.json").read_text())["name"] == "opportune-uplift-warm-cart"
