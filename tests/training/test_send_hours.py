"""From a log to a judged model of send hours."""

import numpy as np
import pytest

from models.circle import distance
from tests.features.histories import DAY, JULY
from tests.training.habits import a_log, some_people, visits
from training.habits import habits
from training.send_hour_summary import figures, figures_of_nothing, lines
from training.send_hours import decide, learn
from training.windows import TooLittleHistory

HALFWAY = JULY + 30 * DAY


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return a_log(tmp_path_factory.mktemp("log"), visits(some_people()))


@pytest.fixture(scope="module")
def learned(log):
    return learn(log, {"log": {"until_us": log.span[1]}})


def test_people_get_their_own_hours_and_the_model_is_better_than_any_rule(log, learned):
    people = np.array([some_people()[int(log.user_keys[each][1:])] for each in learned.judged_by.user])
    found = learned.judgements

    own = distance(learned.scores["model"].argmax(axis=1), np.floor(people).astype(int))
    assert np.mean(own <= 2) > 0.9
    assert found["model"].log_loss < min(found[each].log_loss for each in ("global", "histogram", "median"))
    assert found["model"].hit_at_3 > found["global"].hit_at_3 + 0.1


def test_the_first_model_that_beats_everybodys_hours_is_promoted(learned):
    verdict = decide(learned)

    assert verdict.promoted
    assert verdict.reason.startswith("better than everybody's hours: log-loss ")


def test_nothing_that_happened_after_it_changes_what_people_are_judged_as(log, tmp_path):
    rows = [row for row in visits(some_people()) if row[1].known_at <= HALFWAY]
    half = a_log(tmp_path, rows)
    at = half.span[1]
    known = {}
    for each in (half, log):
        found = habits(each, at, each.span[1])
        known[id(each)] = {
            each.user_keys[user]: row.tolist() for user, row in zip(found.user, found.histories, strict=True)
        }

    assert known[id(half)] == known[id(log)]


def test_where_nobody_has_hours_of_their_own_everybodys_stay(tmp_path):
    random = np.random.default_rng(4)
    anytime = visits(list(random.uniform(0, 24, 10)) * 16, pace=0.1)
    shuffled = [(f"p{random.integers(160)}", each, None) for _, each, _ in anytime]
    verdict = decide(learn(a_log(tmp_path, shuffled), {}))

    assert not verdict.promoted
    assert verdict.reason.startswith("no better than everybody's hours")


def test_a_champion_is_judged_by_what_neither_learned_from_and_stays_where_nothing_is_proven(log, learned):
    champion = learned.model
    champion.lineage["log"]["until_us"] = HALFWAY
    again = learn(log, {}, champion=champion)
    verdict = decide(again)

    assert set(again.scores) == {"model", "global", "histogram", "median", "champion"}
    assert [each.name for each in verdict.rules][-2:] == ["everybody", "champion"]
    assert verdict.promoted is all(each.holds for each in verdict.rules)
    worse = learn(log, {}, champion=champion)
    worse.scores["model"] = worse.scores["champion"] * 0.9 + 0.1 / 24
    assert decide(worse).reason.startswith("not proven")


def test_a_champion_that_learned_from_all_of_it_leaves_nothing_to_judge_by(log, learned):
    learned.model.lineage["log"]["until_us"] = log.span[1]

    with pytest.raises(TooLittleHistory, match="too few people came back to judge by: 0"):
        learn(log, {}, champion=learned.model)


@pytest.mark.parametrize(
    ("people", "pace", "days", "words"),
    [
        (160, 0.3, 10, r"the history is [\d.]+ days long"),
        (20, 0.3, 60, "20 people are in the log"),
        (160, 0.03, 30, "too few people came back to choose by"),
    ],
)
def test_too_little_is_no_model_and_says_why(tmp_path, people, pace, days, words):
    rows = visits(some_people(people), days=days, pace=pace)

    with pytest.raises(TooLittleHistory, match=words):
        learn(a_log(tmp_path, rows), {})


def test_the_summary_says_that_it_is_activity(learned):
    found = figures(learned, decide(learned), "opportune-send-hour/1", "run")

    assert found["learned_from"].startswith("activity, not response")
    assert set(found["global"]) == {"hit_at_1", "hit_at_3", "mrr", "log_loss"} <= set(found)
    assert 0.0 <= found["calibration_error"] < 0.1
    assert sum(each["people"] for each in found["by_history"]) == found["people"]
    assert "that is activity, not response" in "\n".join(lines(found))
    assert "ten o'clock" in lines(figures_of_nothing("too little"))[0]
