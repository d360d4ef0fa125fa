"""What a decision asked, in order, and how each question was answered."""

import pytest

from policy.answers import Recorded, answers
from policy.findings import Finding
from policy.reasons import Reason

SCORED = {"score": 0.3, "threshold": 0.25, "horizon": "24h"}
GRANTED = Finding("consent", "email", None, ("marketing", "opt_in", True, 0))
REFUSED = Finding("consent", "email", Reason.NO_CONSENT, ("marketing", "opt_in", False, 0))
FREE = Finding("suppression", "email", None)
CAPPED = Finding("cap", None, Reason.CAPPED, (2, 2, 60_000_000))
BEFORE = ["exclusion", "age", "suppression", "consent", "threshold", "cool_down", "when"]


def asked(reason, **fields):
    return answers(Recorded(reason, **SCORED | fields))


def names(found):
    return [each.guard for each in found]


def objecting(found):
    return [(each.guard, each.objection) for each in found if each.objection]


@pytest.mark.parametrize(
    ("reason", "guard"),
    [
        (Reason.EXCLUDED_USER, "exclusion"),
        (Reason.STALE_EVENT, "age"),
        (Reason.EXPIRED, "age"),
        (Reason.SUPPRESSED, "suppression"),
        (Reason.NO_CONSENT, "consent"),
        (Reason.NO_SCORE, "threshold"),
        (Reason.BELOW_THRESHOLD, "threshold"),
        (Reason.COOLING_DOWN, "cool_down"),
        (Reason.CONDITION_NOT_MET, "when"),
    ],
)
def test_the_asking_ends_with_what_objects_and_what_was_asked_before_passed(reason, guard):
    score = {Reason.NO_SCORE: None, Reason.BELOW_THRESHOLD: 0.1}.get(reason, 0.3)

    found = asked(reason, score=score)

    assert names(found) == BEFORE[: BEFORE.index(guard) + 1]
    assert objecting(found) == [(guard, reason)]


@pytest.mark.parametrize("reason", [Reason.CANCELLED, Reason.POLICY_CHANGED])
def test_where_nothing_was_asked_there_is_one_answer(reason):
    [found] = asked(reason)

    assert (found.guard, found.objection) == ({"cancelled": "cancel_on"}.get(reason, "policy"), reason)


def test_every_reason_has_a_question_that_gives_it():
    fired = {Reason.SENT}

    assert all(objecting(asked(each, score=0.1))[-1][1] == each for each in Reason if each not in fired)


def test_the_guards_of_a_trigger_stand_where_they_are_asked():
    found = asked(Reason.CAPPED, findings=[FREE, GRANTED, CAPPED])

    assert names(found) == [*BEFORE, "cap"]
    assert objecting(found) == [("cap", Reason.CAPPED)]


def test_of_an_older_decision_that_kept_no_word_of_its_guards_the_reason_is_told():
    found = asked(Reason.CAPPED)

    assert names(found) == [*BEFORE, "moment"]
    assert found[-1].in_words.startswith("the user got as many messages as")


def test_what_was_sent_says_that_the_trigger_was_live_and_the_user_in_no_hold_out():
    assert names(asked(Reason.SENT, arm="treatment", findings=[FREE, GRANTED])) == [*BEFORE, "mode", "hold_out"]
    assert objecting(asked(Reason.CONTROL, arm="control")) == [("hold_out", Reason.CONTROL)]
    assert names(asked(Reason.DRY_RUN)) == [*BEFORE, "mode"]


def test_a_transactional_message_asks_neither_score_nor_hold_out():
    found = asked(Reason.SENT, score=0.1)

    assert names(found) == [*(each for each in BEFORE if each != "threshold"), "mode"]


def test_a_step_asks_whether_the_sequence_ends_and_not_whether_the_trigger_cools_down():
    assert names(asked(Reason.EXITED, step=1)) == ["exclusion", "age", "exit_when"]
    assert names(asked(Reason.SENT, step=1))[2] == "exit_when"
    assert "cool_down" not in names(asked(Reason.SENT, step=1))


def test_a_first_channel_that_is_barred_is_the_reason_though_the_others_were_asked_too():
    found = asked(Reason.NO_CONSENT, findings=[FREE, REFUSED, Finding("suppression", "push", None), CAPPED])

    assert names(found)[2:5] == ["suppression", "suppression", "consent"]
    assert objecting(found) == [("consent", Reason.NO_CONSENT), ("cap", Reason.CAPPED)]


def test_the_chance_is_told_beside_what_is_needed():
    [*_, found] = asked(Reason.BELOW_THRESHOLD, score=0.0312)

    assert found.in_words == "the chance of a purchase within 24h is 3.1 %, and 25 % is needed"


def test_of_a_trigger_that_goes_by_uplift_what_the_message_adds_is_told_where_the_threshold_is_asked():
    adds = Finding("uplift", None, Reason.BELOW_THRESHOLD, (True, 0.002, 0.004))

    assert names(asked(Reason.BELOW_THRESHOLD, score=0.002, threshold=0.004, measured=adds)) == [*BEFORE[:4], "uplift"]
    explored = asked(Reason.SENT, score=0.002, threshold=0.004, measured=adds, explored=True, arm="treatment")
    assert names(explored)[-4:] == ["uplift", "explore", "mode", "hold_out"]
    assert objecting(explored) == [("uplift", Reason.BELOW_THRESHOLD)]
