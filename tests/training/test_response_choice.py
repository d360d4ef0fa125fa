"""Hours are told by what people answered only where that was surely better on later messages."""

from dataclasses import replace

import numpy as np
import pytest

from tests.verification.sends import a_world
from training.activity_trees import TreesTried
from training.days import DaysChosen
from training.response_choice import choose
from training.send_hours import HoursLearned, Rule, _keeps_answers, with_sends


@pytest.fixture(scope="module")
def later():
    """People who answer four hours after they are there."""
    return a_world(3, people=1200, explore=0.6, later_h=4)


def chosen_of(world, sends=None, **fields):
    sends = world.sends if sends is None else sends
    return choose(sends, int(np.quantile(sends.at, 0.7)), world.model, world.model, **fields)


def test_where_people_answer_at_other_hours_than_they_are_there_sends_tell(later):
    found = chosen_of(later)

    assert found.response is not None
    assert found.log_loss[("trees" if found.response.text else "response")] < found.log_loss["activity"]
    assert found.reason.startswith("sends: surely better, log-loss 0.")
    assert found.figures["chosen"] == "sends"
    assert found.calibration_error < 0.05
    assert 0.0 < found.calibration_by_chance < 0.1
    worth = {each.rule: each for each in found.values}
    best = next(each for each in ("response", "trees") if each in worth)
    assert worth[best].self_normalised[0] > worth["activity"].self_normalised[0]


def test_where_hours_make_no_difference_activity_stays():
    found = chosen_of(a_world(4, people=1200, effect=0.0))

    assert found.response is None
    assert found.reason.startswith("activity: sends are not surely better, log-loss 0.")


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (lambda sends: sends.where(slice(1500)), "activity: 1,500 messages to learn from, and 2,000 are needed"),
        (lambda sends: sends.where(~sends.answered), "activity: 0 answers to learn from, and 200 are needed"),
        (
            lambda sends: sends.where((sends.hour > 8) & (sends.hour < 12)),
            "activity: 3 hours of the day with enough messages to learn from, and 8 are needed",
        ),
    ],
)
def test_too_few_sends_or_too_few_hours_leave_activity_and_say_what_is_missing(later, part, why):
    found = chosen_of(later, part(later.sends))

    assert (found.response, found.log_loss, found.reason) == (None, None, why)


def test_a_champion_that_learned_from_sends_is_judged_beside_and_not_given_up_for_want_of_sends(later):
    full = chosen_of(later)
    champion = replace(later.model, response=full.response)
    again = chosen_of(later, champion=champion)
    few = chosen_of(later, later.sends.where(slice(100)), champion=champion)
    nothing = TreesTried("not tried"), DaysChosen("not tried")
    learned = HoursLearned(later.model, None, {}, 1, later.model, 0, *nothing)

    assert again.log_loss["champion"] < again.log_loss["activity"]
    (kept,) = _keeps_answers(replace(learned, chosen=again), champion)
    (lost,) = _keeps_answers(replace(learned, chosen=few), champion)
    assert kept.holds
    assert lost == Rule(
        "answers",
        False,
        "the champion learned from sends, now activity: 100 messages to learn from, and 2,000 are needed",
    )
    assert not [*_keeps_answers(replace(learned, chosen=few), later.model)]


def late_at_weekends(world, hours):
    """Return a world whose people are there, and answer, so many hours later on weekends, and a model that knows it."""
    everybody = world.model.everybody
    late = np.roll(everybody, hours)
    any_day = (5.0 * everybody + 2.0 * late) / 7.0
    model = replace(world.model, by_day=np.stack([everybody / any_day, late / any_day]))
    sends = world.sends
    chances = np.where(
        sends.weekend[:, None], np.roll(world.chances, hours, axis=1)[sends.user], world.chances[sends.user]
    )
    answered = np.random.default_rng(5).random(len(sends)) < chances[np.arange(len(sends)), sends.hour]
    return replace(world, model=model, sends=replace(sends, answered=answered))


@pytest.mark.parametrize(("hours", "told"), [(6, True), (0, False)], ids=["late on weekends", "alike"])
def test_answers_are_told_by_the_kind_of_day_where_that_is_surely_better_and_else_on_all_days_alike(hours, told):
    plain = a_world(3, people=1500, explore=0.6, later_h=1)
    world = late_at_weekends(plain, hours)
    found = chosen_of(world)
    learned = HoursLearned(
        world.model, None, {}, 1, world.model, int(np.quantile(world.sends.at, 0.7)), TreesTried(""), DaysChosen("")
    )
    model = with_sends(learned, world.sends).model

    assert found.response is not None
    assert found.by_day is told
    assert (found.log_loss["by_day"] < min(found.log_loss[each] for each in ("response", "trees"))) is told
    assert model.response is not None
    assert (model.by_day is not None) is told
    one, other = (model.scores(world.histories[:50], np.array(each)) for each in (False, True))
    assert (not np.array_equal(one, other)) is told
