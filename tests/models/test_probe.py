import pytest

from models.horizon import SEND_HOUR
from models.manifest import BundleRefused
from models.probe import exercise, probe
from tests.models.bundles import a_bundle, change_manifest, change_model
from tests.models.test_send_hour_bundle import a_bundle as a_bundle_of_hours

LONG_S = 60.0


@pytest.fixture
def bundle(tmp_path):
    return a_bundle(tmp_path / "1")


def test_a_good_bundle_passes(bundle):
    probe(bundle, "24h", timeout_s=LONG_S)


def test_a_text_that_ends_the_process_is_refused_and_this_process_lives(bundle):
    change_model(bundle, lambda text: text[: len(text) // 3])

    with pytest.raises(BundleRefused):
        probe(bundle, "24h", timeout_s=LONG_S)


def test_a_text_that_predicts_for_ever_is_refused_in_time(bundle):
    # A child that points back at its own node.
    change_model(bundle, lambda text: text.replace("left_child=", "left_child=0 0 0 0 #", 1))

    with pytest.raises(BundleRefused):
        probe(bundle, "24h", timeout_s=5.0)


def test_the_refusal_says_what_the_other_process_said(bundle):
    change_manifest(bundle, lambda manifest: manifest["features"][0].update(name="not_there"))

    with pytest.raises(BundleRefused, match="the catalogue has no not_there"):
        probe(bundle, "24h", timeout_s=LONG_S)


def test_a_process_that_takes_too_long_is_refused(bundle):
    with pytest.raises(BundleRefused, match=r"did not load and predict within 0\.001 s"):
        probe(bundle, "24h", timeout_s=0.001)


def test_exercising_reaches_predictions(bundle):
    exercise(bundle, "24h")


def test_send_hours_are_loaded_elsewhere_too(tmp_path):
    hours = a_bundle_of_hours(tmp_path / "2")
    probe(hours, SEND_HOUR, timeout_s=LONG_S)

    (hours / "manifest.json").write_text("{}")
    with pytest.raises(BundleRefused):
        probe(hours, SEND_HOUR, timeout_s=LONG_S)
