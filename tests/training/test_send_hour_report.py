"""The report of a model of send hours."""

import re
from dataclasses import replace

import pytest

from tests.training.habits import a_log, some_people, visits
from training.send_hour_report import NAMES, page
from training.send_hour_summary import figures
from training.send_hours import decide, learn


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    log = a_log(tmp_path_factory.mktemp("log"), visits(some_people(600), views=2))
    return learn(log, {"log": {"until_us": log.span[1]}})


def told(learned):
    verdict = decide(learned)
    return page("opportune-send-hour, version 1", learned, verdict, figures(learned, verdict, "m/1", "run"))


def test_it_stands_alone_and_says_that_it_is_activity_with_every_figure_of_every_rule(learned):
    text = told(learned)

    assert "This is activity, not response" in text
    assert "http" not in text.replace("http-equiv", "")
    assert [each.split('"')[0] for each in text.split('<img alt="')[1:]] == [
        "People by hour: their scores, sorted by best hour",
        "Reliability, by tenth of the scores",
    ]
    for each in ("hit at 1", "hit at 3", "mrr", "log loss"):
        assert text.count(f"<th>{each}</th>") == 3  # of all, given the kind of day, and by amount of history
    rules = [words for name, words in NAMES.items() if name in learned.scores]
    rows = 1 + len({each["events"][0] for each in figures(learned, decide(learned), "", "")["by_history"]})
    assert len(rules) == 5
    assert all(text.count(f"<td>{words.replace(chr(39), '&#x27;')}</td>") == rows for words in rules)
    assert re.search(r"Calibration error: 0\.\d{4}", text)


def test_it_says_why_the_profile_has_trees_or_not_and_whether_days_are_told_apart(learned):
    text = told(learned)

    assert f"Of {learned.trees.reason}" in text
    assert re.match(r"(trees: surely better|the profile: trees are not surely better), log-loss ", learned.trees.reason)
    assert f"Hours are told {learned.days.reason}" in text
    # People who are there on any day alike.
    assert learned.days.reason.startswith("every day alike: not surely better, log-loss given the day ")
    assert (learned.model.by_day, learned.before.by_day) == (None, None)


def test_of_two_forms_the_one_that_lost_stands_beside_the_one_that_won(learned):
    won = replace(learned, scores={**learned.scores, "profile": learned.scores["global"]})

    assert ("profile" in learned.scores) is learned.trees.kept
    assert ("trees" in learned.scores) is not learned.trees.kept
    assert "<td>the profile alone</td>" in told(won)
