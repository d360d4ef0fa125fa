"""Bundles of learned segments."""

import pytest

from features.declare import Age
from features.kinds import Kind
from features.layout import compile_catalogue
from models.learned_segments import CLUSTERS, RFM
from models.manifest import BundleRefused
from models.segments_bundle import load
from tests.models.bundles import change_manifest
from tests.models.segments import a_bundle, segments, some_rows


def test_what_was_written_is_what_is_loaded_bit_for_bit(tmp_path):
    found, rows = load(a_bundle(tmp_path / "7", lineage={"log": "abc"})), some_rows(500)

    assert (found.version, found.lineage) == ("7", {"log": "abc"})
    assert load(tmp_path / "7", version="9").version == "9"
    for family in (RFM, CLUSTERS):
        assert found.of_rows(rows, family) == segments().of_rows(rows, family)
    for mine, given in ((found.rfm, segments().rfm), (found.clusters, segments().clusters)):
        assert repr(mine) == repr(given)


@pytest.mark.parametrize("missing", ["rfm", "clusters"])
def test_what_was_not_learned_stays_so(tmp_path, missing):
    found = load(a_bundle(tmp_path, **{missing: None}))

    assert list(found.families) == [each for each in (RFM, CLUSTERS) if each != missing]


def test_a_bundle_is_one_file_of_json(tmp_path):
    assert [each.name for each in a_bundle(tmp_path).iterdir()] == ["manifest.json"]


@pytest.mark.parametrize(
    ("part", "change", "words"),
    [
        ("rfm", {"orders": [1, 2, 3]}, "is damaged at rfm.orders"),
        ("rfm", {"orders": [4, 3, 2, 1]}, "cut-offs must ascend"),
        ("rfm", {"revenue": ["much", 1, 2, 3]}, r"is damaged at rfm.revenue\[0\]"),
        ("clusters", {"spread": [0.0, 1.0]}, r"is damaged at clusters.spread\[0\]"),
        ("clusters", {"mean": [1.0]}, "must have 2 numbers"),
        ("clusters", {"centres": [[1.0, 2.0]]}, "is damaged at clusters.centres"),
        ("clusters", {"names": ["a", "a"]}, "2 centres need as many different names"),
        ("clusters", {"names": ["a", "B c"]}, r"is damaged at clusters.names\[1\]"),
        ("clusters", {"pickle": "gASV"}, "is damaged at clusters.pickle"),
        (None, {"kind": "send-hour"}, "is damaged at kind"),
    ],
)
def test_a_damaged_bundle_is_refused(tmp_path, part, change, words):
    a_bundle(tmp_path)
    change_manifest(tmp_path, lambda manifest: (manifest if part is None else manifest[part]).update(change))

    with pytest.raises(BundleRefused, match=words):
        load(tmp_path)


def test_what_was_learned_from_other_features_is_refused_with_their_names(tmp_path):
    a_bundle(tmp_path)
    lacking = compile_catalogue((Age(name="order_age_d", meaning="", kinds=frozenset({Kind.ORDER_REFUNDED})),))

    with pytest.raises(BundleRefused, match="has no orders, revenue; the catalogue defines otherwise: order_age_d"):
        load(tmp_path, lacking)


def test_a_folder_without_a_bundle_is_refused(tmp_path):
    with pytest.raises(BundleRefused, match="holds no bundle"):
        load(tmp_path)
