"""`threshold: auto`: the number is that of the report accepted last, and whoever has none is told what to do."""

import json

import pytest

from policy.lint import main as lint
from policy.source import PolicyRefused, load, read

TRIGGER = "triggers:\n- {{name: cart, on: Product Added, threshold: {said}, cool_down: 1d, horizon: {horizon}}}\n"
ACCEPTED = {
    "threshold": 0.125,
    "horizon": "24h",
    "present": 0.25,
    "gain_at_least": 0.0123,
    "reported_at": "2026-11-29T08:00:00+00:00",
    "accepted_at": "2026-11-30T08:00:00+00:00",
    "run": "4f2a",
    "policy_version": "0123456789ab",
}


@pytest.fixture
def shop(tmp_path):
    """A folder with a policy, and what is accepted beside it."""

    def made(said, accepted=None, *, horizon="24h"):
        file = tmp_path / "triggers.yaml"
        file.write_text(TRIGGER.format(said=said, horizon=horizon))
        beside = tmp_path / "thresholds.json"
        beside.unlink(missing_ok=True)
        if accepted:
            beside.write_text(json.dumps({"format": 1, "triggers": {"cart": accepted}}))
        return file

    return made


def refusal(file):
    with pytest.raises(PolicyRefused) as refused:
        load(file)
    return str(refused.value).replace(str(file.parent), "")


@pytest.mark.parametrize("said", ["auto", "{auto_from: 40%}"])
def test_a_threshold_left_to_reports_is_the_accepted_one(shop, said):
    trigger = load(shop(said, ACCEPTED)).triggers[0]

    assert trigger.threshold == trigger.plans[0].threshold == 0.125


def test_until_a_report_is_accepted_the_file_says_what_counts(shop):
    assert load(shop("{auto_from: 40%}")).triggers[0].threshold == 0.4


def test_with_nothing_accepted_and_nothing_said_the_policy_is_refused(shop):
    found = refusal(shop("auto"))

    assert found.startswith("/triggers.yaml:2: triggers[0].threshold: is left to a report, and none is accepted: run ")
    assert "make accept-threshold TRIGGER=cart" in found
    assert "{auto_from: 25%}" in found


def test_a_number_accepted_for_another_horizon_means_nothing(shop):
    found = refusal(shop("auto", ACCEPTED, horizon="7d"))

    assert "the one accepted is for 24h, not 7d" in found
    assert load(shop("{auto_from: 40%}", ACCEPTED, horizon="7d")).triggers[0].threshold == 0.4


def test_a_number_that_is_written_counts_whatever_was_accepted(shop):
    assert load(shop("30%", ACCEPTED)).triggers[0].threshold == 0.3


def test_the_version_is_that_of_the_number_however_it_came_to_be(shop):
    said = load(shop("0.125")).version
    accepted = load(shop("auto", ACCEPTED)).version
    later = load(shop("auto", ACCEPTED | {"threshold": 0.2})).version

    assert said == accepted
    assert accepted != later


def test_what_was_read_differs_as_soon_as_another_number_is_accepted(shop):
    before = read(shop("auto", ACCEPTED))

    assert read(shop("auto", ACCEPTED)) == before
    assert read(shop("auto", ACCEPTED | {"threshold": 0.2})) != before


@pytest.mark.parametrize("said", ["{auto_from: 140%}", "{auto_form: 10%}", "{auto_from: 10%, auto: true}"])
def test_what_counts_until_then_is_a_share_and_nothing_else(shop, said):
    assert "must be a percentage such as 10%, `auto`, or {auto_from: 10%}" in refusal(shop(said, ACCEPTED))


def test_what_is_wrong_in_the_accepted_ones_is_told_with_its_place(shop):
    file = shop("auto", ACCEPTED | {"threshold": 1.5, "gain": 1})

    found = refusal(file).splitlines()
    assert len(found) == 2
    assert all(each.startswith("/thresholds.json:1: triggers.cart.") for each in found)


@pytest.mark.parametrize(
    ("said", "accepted", "told"),
    [
        (
            "auto",
            ACCEPTED,
            "cart: threshold 12.5 %, accepted on 30 November 2026: surely +0.0123 or more a decision than 25 % earns\n",
        ),
        (
            "{auto_from: 40%}",
            ACCEPTED | {"gain_at_least": None},
            "cart: threshold 12.5 %, accepted on 30 November 2026: the report found nothing that surely earns more\n",
        ),
        ("{auto_from: 40%}", {}, "cart: threshold 40 % until a report is accepted\n"),
    ],
)
def test_linting_says_where_the_number_comes_from(shop, capsys, said, accepted, told):
    assert lint([str(shop(said, accepted))]) == 0
    assert told in capsys.readouterr().out


def test_linting_says_nothing_of_reports_where_the_number_is_written(shop, capsys):
    lint([str(shop("25%", ACCEPTED))])

    assert "accepted" not in capsys.readouterr().out
