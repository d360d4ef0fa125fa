import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from features.catalog import CATALOGUE, DECLARATIONS
from features.layout import compile_catalogue
from models.bundle import BundleRefused, load, verify
from tests.models.bundles import FEATURES, a_bundle, change_manifest, change_model, some_rows


@pytest.fixture
def bundle(tmp_path):
    return a_bundle(tmp_path / "7")


def test_a_bundle_holds_text_and_json_only(bundle):
    assert sorted(each.name for each in bundle.iterdir()) == ["manifest.json", "model.txt"]
    assert json.loads((bundle / "manifest.json").read_text())["format"] == 1
    assert (bundle / "model.txt").read_text().startswith("tree\n")


def test_the_version_is_the_folder_unless_it_is_said(bundle):
    assert load(bundle).version == "7"
    assert load(bundle, version="8").version == "8"


def test_a_bundle_may_know_the_deciles_of_its_intent_and_one_from_before_knows_none(bundle):
    tenths = [each / 20 for each in range(1, 10)]
    assert load(bundle).deciles == ()

    change_manifest(bundle, lambda manifest: manifest.update(deciles=tenths))
    assert load(bundle).deciles == tuple(tenths)

    change_manifest(bundle, lambda manifest: manifest.pop("deciles"))
    assert load(bundle).deciles == ()


def test_a_new_feature_in_the_catalogue_breaks_nothing(bundle):
    first, *others = DECLARATIONS
    larger = compile_catalogue([replace(first, name="brand_new"), first, *others])
    rows = some_rows()
    wider = np.column_stack([np.full(len(rows), 5.0), rows])

    assert np.array_equal(load(bundle, larger).predict(wider), load(bundle).predict(rows))


def test_features_that_the_catalogue_lacks_are_named(bundle):
    smaller = compile_catalogue([each for each in DECLARATIONS if each.name not in FEATURES[:2]])

    with pytest.raises(BundleRefused, match=r"the catalogue has no order_age_d, orders_hl30d\. Retrain it"):
        load(bundle, smaller)


def test_features_that_are_defined_otherwise_are_named(bundle):
    def change(manifest):
        manifest["features"][2]["fingerprint"] = "0" * 16

    change_manifest(bundle, change)

    with pytest.raises(BundleRefused, match="the catalogue defines otherwise: cart_items"):
        load(bundle)


def test_a_changed_byte_of_the_model_is_noticed(bundle):
    path = bundle / "model.txt"
    path.write_bytes(path.read_bytes().replace(b"num_leaves=5", b"num_leaves=6", 1))

    with pytest.raises(BundleRefused, match="is damaged: its sha256 is"):
        verify(bundle)


def test_a_model_that_is_not_there_is_refused(bundle):
    (bundle / "model.txt").unlink()

    with pytest.raises(BundleRefused, match="cannot be read"):
        verify(bundle)


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path):
    with pytest.raises(BundleRefused, match="holds no bundle"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2}', "\x00"])
def test_a_damaged_manifest_is_refused(bundle, text):
    (bundle / "manifest.json").write_text(text)

    with pytest.raises(BundleRefused, match="is damaged at"):
        load(bundle)


def test_a_model_outside_the_bundle_is_refused(bundle):
    change_manifest(bundle, lambda manifest: manifest["model"].update(file="../model.txt"))

    with pytest.raises(BundleRefused, match=r"damaged at model\.file"):
        load(bundle)


def test_a_calibrator_that_does_not_exist_is_refused(bundle):
    change_manifest(bundle, lambda manifest: manifest.update(calibrator={"kind": "magic"}))

    with pytest.raises(BundleRefused, match="no kind of calibrator"):
        load(bundle)


def test_fewer_features_than_the_model_reads_are_refused(bundle):
    change_manifest(bundle, lambda manifest: manifest["features"].pop())

    with pytest.raises(BundleRefused, match="12 trees of 3 features, its manifest says 12 of 2"):
        load(bundle)


def test_a_text_that_is_no_model_is_refused_whatever_its_digest(bundle):
    change_model(bundle, lambda _: "no model")

    with pytest.raises(BundleRefused, match="cannot be loaded"):
        load(bundle)


def test_the_catalogue_s_order_is_the_rows_order(bundle):
    assert [CATALOGUE.names[i] for i in load(bundle).columns] == list(FEATURES)


def test_loading_a_model_imports_neither_pandas_nor_scikit_learn(bundle):
    program = f"""
import sys
from pathlib import Path
from models.bundle import load
load(Path({str(bundle)!r}))
print(sorted({{"lightgbm", "mlflow", "pandas", "sklearn"}} & set(sys.modules)))
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
