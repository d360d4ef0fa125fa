from datetime import timedelta

import numpy as np

from tests.training.experiments import some_units
from training.experiment import Plan
from training.experiment_page import page
from training.experiment_report import as_json, judge


def a_page(units, plan):
    report = judge(units, plan)
    return page(report, {}), as_json(report)


def test_an_invalid_experiment_shows_why_and_nothing_of_the_effect():
    units = some_units(users=6000, rates=(0.05, 0.25), shares=(0.45, 0.55))
    text, summary = a_page(units, Plan("spring", 8000, (0.5, 0.5)))

    assert "Are the arms of the sizes they were drawn for?" in text
    assert "Is it better?" not in text
    assert summary["treatments"]["treatment"]["end"] is None
    assert summary["treatments"]["treatment"]["groups"] == []


def test_before_the_last_look_the_numbers_of_the_end_are_kept_back():
    units = some_units(users=1000, rates=(0.1, 0.1))
    text, summary = a_page(units, Plan("spring", 8000, (0.5, 0.5)))

    assert "Comes with the last look" in text
    assert summary["treatments"]["treatment"]["end"] is None


def test_the_numbers_of_the_end_are_those_of_the_last_planned_look():
    units = some_units(users=3000, rates=(0.1, 0.1), seed=4, days=30)
    _, summary = a_page(units, Plan("spring", 2000, (0.5, 0.5)))
    found = summary["treatments"]["treatment"]
    last = next(each for each in found["looks"] if each["bound"] is not None and each["time"] >= 1)

    assert found["end"]["primary"][0]["control"] == last["control"]["conversions"] / last["control"]["users"]


def test_an_experiment_that_ended_early_says_that_it_looks_better_than_it_is():
    text, _ = a_page(some_units(users=6000, rates=(0.10, 0.15)), Plan("spring", 8000, (0.5, 0.5)))

    assert "is, on average, smaller than it looked then" in text


def test_what_was_not_planned_and_not_checked_is_said():
    units = some_units(users=500, rates=(0.1, 0.1))
    text, _ = a_page(units, Plan("spring", 8000, None, timedelta(days=1), registered=False))
    of_table, _ = a_page(units, Plan("spring", 500, None, registered=False))

    assert "Nobody planned beforehand how many users this needs. 8,000 were calculated" in text
    assert "500 are taken for it, all that the table has" in of_table
    assert "the sample ratio was not checked" in text


def test_names_from_outside_are_no_html():
    words = np.array(["<script>alert(1)</script>", "b"])[np.arange(2000) % 2]
    text, _ = a_page(some_units(users=2000, rates=(0.3, 0.3), groups={"<b>": words}), Plan("<i>", 2000, None))

    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "<i>" not in text
