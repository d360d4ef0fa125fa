"""Traits declared as features, from an `identify` call to the model that reads them."""

import json

import pytest

from tests.acceptance.declared import Declared


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """An installation whose history was imported, a model trained of it, and people told of over HTTP."""
    declared = Declared(tmp_path_factory.mktemp("declared"))
    return json.loads(declared.run("-m", "tests.acceptance.declared_story", declared.home))


def test_training_reads_traits_from_the_imported_history(story):
    assert {"age", "tier", "city"} <= set(story["reads"])


def test_what_an_identify_call_tells_is_a_feature_at_once(story):
    assert story["served"]["identified"] == [34.0, 3.0, 1.0]
    assert story["served"]["from the context"] == 44.0
    assert story["served"]["not from a group"] == 44.0


def test_what_a_profile_is_changed_to_counts_and_null_takes_back(story):
    assert story["served"]["patched"] == [None, 1.0, 1.0]


def test_the_model_uses_them_and_explains_itself_by_them(story):
    gold, bronze = story["served"]["gold"], story["served"]["bronze"]

    assert (gold["tier"], bronze["tier"]) == (3.0, 1.0)
    assert gold["intent"] > 3 * bronze["intent"]


def test_what_cannot_be_read_is_unknown_and_counted(story):
    assert story["served"]["bad"] == [None, None, None]
    assert story["served"]["unread"] == [
        'opportune_unread_traits_total{trait="age"} 1.0',
        'opportune_unread_traits_total{trait="tier"} 1.0',
    ]


def test_a_file_of_profiles_tells_traits_and_says_which_could_not_be_read(story):
    of_history, of_profiles = story["imported"]
    unread = "is told as what its features cannot read: kept, and unknown to models"

    assert story["served"]["filed"] == [51.0, 3.0, 2.0]
    assert story["served"]["wrong"] == [52.0, None, None]
    assert of_profiles == ["2 profiles written", f"1 times the trait 'tier' {unread}"]
    assert f"100 times the trait 'address.city' {unread}" in of_history


def test_whoever_was_erased_has_no_traits(story):
    assert story["served"]["erased"] == [None, None, None]


def test_serving_rebuilding_and_feast_have_the_bits_of_the_log(story):
    compared = story["compared"]

    assert compared["people"] > 200
    assert compared["told"] > 200
    assert compared["live"] >= 30
    assert compared["stored differ"] == 0
    assert compared["differ"] == {"rebuilt": 0, "historical": 0, "online": 0}
    assert compared["parity"][0] >= 30
    assert compared["parity"][1] == 0
