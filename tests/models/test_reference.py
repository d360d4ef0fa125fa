import json

import numpy as np
import pytest

from models.bundle import BundleRefused, load, read_reference, verify
from models.manifest import Manifest
from models.reference import Binned, Reference
from tests.models.bundles import FEATURES, a_bundle, change_manifest
from tests.models.references import a_reference, some_values


@pytest.fixture
def learned():
    return a_reference({name: some_values() for name in FEATURES}, np.linspace(0.01, 0.3, 400))


@pytest.fixture
def bundle(tmp_path, learned):
    return a_bundle(tmp_path / "7", reference=learned)


def test_a_bundle_says_what_its_model_learned_from(bundle, learned):
    manifest = verify(bundle)

    assert read_reference(bundle, manifest) == learned
    assert load(bundle).features == FEATURES


def test_a_bundle_from_before_is_loaded_and_says_nothing(tmp_path):
    bundle = a_bundle(tmp_path / "6")
    change_manifest(bundle, lambda manifest: manifest.pop("reference"))

    assert load(bundle).version == "6"
    assert read_reference(bundle, Manifest.read(bundle)) is None


def test_a_changed_reference_is_noticed(bundle):
    path = bundle / "reference.json"
    path.write_text(path.read_text().replace("400", "401", 1))

    with pytest.raises(BundleRefused, match="is damaged: its sha256 is"):
        load(bundle)


def test_a_reference_outside_the_bundle_is_refused(bundle):
    change_manifest(bundle, lambda manifest: manifest["reference"].update(file="../reference.json"))

    with pytest.raises(BundleRefused, match=r"damaged at reference\.file"):
        load(bundle)


def test_what_is_no_reference_is_refused(bundle, learned):
    path = bundle / "reference.json"
    said = learned.model_dump(mode="json")

    for wrong in ("", "{}", json.dumps({**said, "occasions": ["one", "too many"]}), json.dumps({**said, "more": 1})):
        path.write_text(wrong)
        with pytest.raises(BundleRefused, match="is damaged"):
            Reference.read(path)
    path.unlink()
    with pytest.raises(BundleRefused, match="cannot be read"):
        Reference.read(path)


@pytest.mark.parametrize(("edges", "counts"), [((2.0, 1.0), (1, 1, 1, 1)), ((1.0,), (1, 1)), ((1.0,), (1, -1, 1))])
def test_bins_fit_their_edges(edges, counts):
    with pytest.raises(ValueError, match=r"edges|greater than or equal"):
        Binned(edges=edges, counts=(counts,))
