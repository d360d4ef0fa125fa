import sqlite3
from contextlib import closing
from datetime import timedelta

import numpy as np
import pytest

from tests.training.experiments import DAY, HOUR, START, Said, a_campaign, write_ledger
from training.experiment import NoExperiment
from training.experiment_ledger import drawn, read_ledger


def found(folder, said, *, until=2000.0, triggers=("cart",), window=None, **more):
    return drawn(read_ledger(write_ledger(folder, said, until=until, **more)), "spring", triggers, window=window)


def test_each_person_counts_once_from_the_first_message_sent_or_withheld(tmp_path):
    said = [
        Said("a", 1.0, ordered_after=(2.0,)),
        Said("a", 50.0),
        Said("b", 2.0, arm="control"),
        Said("b", 60.0, arm="control", ordered_after=(1.0,)),
    ]
    units = found(tmp_path, said).units

    assert units.arms == ("control", "treatment")
    assert units.arm.tolist() == [1, 0]
    assert units.at.tolist() == [START + HOUR, START + 2 * HOUR]
    assert units.converted.tolist() == [True, False]
    assert units.measures["decisions"].tolist() == [2, 2]
    assert units.measures["ordered_decisions"].tolist() == [1, 1]


def test_who_was_held_back_or_got_what_is_no_experiment_is_not_in_it(tmp_path):
    said = [
        Said("a", 1.0),
        Said("b", 2.0, arm="control"),
        Said("held", 3.0, arm=None),
        Said("staff", 4.0),
        Said("elsewhere", 5.0, trigger="win-back"),
    ]

    assert len(found(tmp_path, said, excluded=("staff",)).units) == 2


def test_the_same_rules_hold_for_both_arms_so_withheld_messages_count_as_sent_ones_do(tmp_path):
    said = [Said("a", 1.0, arm="control", ordered_after=(3.0, 5.0)), Said("b", 1.0, ordered_after=(3.0, 5.0))]
    units = found(tmp_path, said).units

    assert units.converted.tolist() == [True, True]
    assert units.measures["orders"].tolist() == [2, 2]
    assert units.measures["revenue"].tolist() == [40.0, 40.0]


def test_an_order_counts_within_the_window_and_the_window_must_be_over(tmp_path):
    said = [Said("a", 0.0, ordered_after=(5.0,)), Said("b", 1.0, arm="control", ordered_after=(7.0,)), Said("c", 90.0)]
    units = found(tmp_path, said, until=95.0, window=timedelta(hours=6)).units

    assert units.converted.tolist() == [True, False, False]
    assert units.matured.tolist() == [True, True, False]
    # An hour more, since an order may be told late.
    assert (units.matured_at - units.at == 7 * HOUR).all()


def test_a_window_longer_than_orders_are_attributed_is_refused(tmp_path):
    with pytest.raises(NoExperiment, match="longer than orders are attributed: 1 day"):
        found(tmp_path, [Said("a", 1.0)], window=timedelta(days=7))


def test_ids_of_one_person_are_one_and_stay_in_the_arm_of_the_first_message(tmp_path):
    said = [Said("anonymous:a", 1.0, arm="control"), Said("a", 30.0), Said("b", 2.0)]
    units = found(tmp_path, said, merged={"anonymous:a": "a"}).units

    assert units.arm.tolist() == [0, 1]
    assert units.conflicts == 1


def test_shares_are_those_of_the_draws_and_users_of_older_shares_are_left_out(tmp_path):
    before = [Said(f"old-{i}", i, propensity=0.5, arm=("control", "treatment")[i % 2]) for i in range(20)]
    after = [Said(f"new-{i}", 100 + i, arm="control" if i % 10 == 0 else "treatment") for i in range(20)]
    moved = [Said("old-1", 150.0, arm="control")]
    result = found(tmp_path, [*before, *after, *moved])

    assert result.shares == (0.1, 0.9)
    assert result.since == START + 101 * HOUR
    assert result.before == 21
    assert len(result.units) == 19


def test_an_arm_that_was_taken_out_is_over_and_the_others_have_the_shares_of_now(tmp_path):
    arms = ("control", "a", "b")
    before = [Said(f"old-{i}", i, arm=arms[i % 3], propensity=(0.1, 0.45, 0.45)[i % 3]) for i in range(30)]
    after = [Said(f"n-{i}", 100 + i, arm=arms[i % 2], propensity=(0.1, 0.9)[i % 2]) for i in range(20)]
    result = found(tmp_path, [*before, *after])

    assert result.units.arms == ("control", "a")
    assert result.shares == (0.1, 0.9)
    assert np.bincount(result.units.arm).tolist() == [9, 10]


def test_where_nobody_is_held_out_any_more_that_is_why_there_is_nothing_to_compare(tmp_path):
    before = [Said(f"old-{i}", i, arm=("control", "treatment")[i % 2], propensity=0.5) for i in range(20)]
    after = [Said(f"new-{i}", 100 + i, propensity=1.0) for i in range(20)]

    with pytest.raises(NoExperiment, match="nobody was drawn into control since the shares of the arms were changed"):
        found(tmp_path, [*before, *after])


def test_orders_without_an_amount_are_counted(tmp_path):
    path = write_ledger(tmp_path, [Said("a", 1.0, ordered_after=(1.0, 2.0)), Said("b", 1.0, arm="control")], until=2000)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE outcomes SET value = NULL WHERE event_seq = 0")

    units = drawn(read_ledger(path), "spring", ["cart"]).units

    assert (units.measures["revenue"].tolist(), units.measures["unpriced"].tolist()) == ([20.0, 0.0], [1.0, 0.0])


def test_triggers_that_hold_out_different_shares_are_no_one_experiment(tmp_path):
    said = [Said("a", 1.0), Said("b", 1.0, trigger="win-back", propensity=0.5)]

    with pytest.raises(NoExperiment, match="do not draw treatment with the same share"):
        found(tmp_path, said, triggers=("cart", "win-back"))


def test_a_trigger_that_last_fired_before_the_shares_were_changed_is_no_other_experiment(tmp_path):
    triggers, arms = ("cart", "browse"), ("control", "treatment")
    before = [Said(f"old-{i}", i, trigger=triggers[i // 2 % 2], arm=arms[i % 2], propensity=0.5) for i in range(20)]
    after = [Said(f"new-{i}", 100 + i, arm=arms[i % 2], propensity=(0.1, 0.9)[i % 2]) for i in range(20)]
    result = found(tmp_path, [*before, *after], triggers=triggers)

    assert (result.shares, result.before, len(result.units)) == ((0.1, 0.9), 21, 19)


def test_what_nobody_reports_is_not_taken_for_nothing(tmp_path):
    silent = found(tmp_path, [Said("a", 1.0), Said("b", 1.0, arm="control")]).units

    assert silent.guardrails == {}
    assert list(silent.stages) == ["handed over"]


def test_where_messages_are_reported_on_silence_means_nothing_happened(tmp_path):
    said = [Said("a", 1.0, told=("delivered", "opened")), Said("b", 2.0, told=("delivered", "unsubscribed"))]
    units = found(tmp_path, [*said, Said("c", 3.0, arm="control")]).units

    assert list(units.stages) == ["handed over", "delivered", "opened"]
    assert units.stages["opened"].tolist() == [True, False, False]
    assert units.guardrails["unsubscribed"].tolist() == [False, True, False]
    assert not units.guardrails["complained"].any()


def test_what_a_later_message_of_the_window_did_is_told_of_the_person_and_of_one_after_it_is_not(tmp_path):
    said = [
        Said("a", 1.0, told=("delivered",)),
        Said("a", 13.0, told=("delivered", "unsubscribed")),
        Said("b", 1.0, told=("delivered",)),
        Said("b", 26.0, told=("complained",)),
        Said("c", 3.0, arm="control"),
    ]
    units = found(tmp_path, said, window=timedelta(hours=24)).units

    assert units.guardrails["unsubscribed"].tolist() == [True, False, False]
    assert units.guardrails["complained"].tolist() == [False, False, False]


def test_what_was_put_off_and_decided_again_is_one_decision(tmp_path):
    path = write_ledger(
        tmp_path,
        [Said("a", 1.0, arm="late"), Said("a", 6.0, arm="late", ordered_after=(1.0,)), Said("b", 2.0, arm="control")],
        until=2000,
    )
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE decisions SET event_seq = 0 WHERE arm = 'late'")
        connection.execute("UPDATE decisions SET action = 'hold', reason = 'put_off' WHERE decision_id = 'd00000'")
        connection.execute(
            "INSERT INTO outcomes (trigger_decision_id, event_seq, kind, value, occurred_at)"
            " VALUES ('d00000.cart', 0, 'order', 20.0, ?)",
            (START + 7 * HOUR,),
        )
        connection.execute(
            "INSERT INTO outbox (message_id, trigger_decision_id, endpoint, body, due_at, status, attempts,"
            " next_attempt_at, lease_until, created_at)"
            " VALUES ('m', 'd00001.cart', 'e', '{}', 0, 'delivered', 1, 0, 0, 0)"
        )

    units = drawn(read_ledger(path), "spring", ["cart"]).units

    assert units.measures["decisions"].tolist() == [1, 1]
    assert units.measures["ordered_decisions"].tolist() == [1, 0]
    assert units.stages["handed over"].tolist() == [True, False]


def test_who_changed_arms_with_the_shares_is_not_told_to_have_been_linked(tmp_path):
    before = [Said(f"old-{i}", i, propensity=0.5, arm=("control", "treatment")[i % 2]) for i in range(20)]
    after = [Said(f"new-{i}", 100 + i, arm="control" if i % 10 == 0 else "treatment") for i in range(20)]
    moved = [Said(f"old-{i}", 150.0, arm="control", propensity=0.1) for i in range(20)]

    assert found(tmp_path, [*before, *after, *moved]).units.conflicts == 0


def test_the_score_at_the_moment_of_the_draw_is_what_was_known_before(tmp_path):
    said = [Said("a", 1.0, score=0.2), Said("a", 30.0, score=0.9), Said("b", 2.0, arm="control", score=None)]
    units = found(tmp_path, said).units

    assert units.covariates["score"].tolist() == pytest.approx([0.2, np.nan], nan_ok=True)


def test_segments_are_those_of_the_moment_of_the_draw(tmp_path):
    path = write_ledger(tmp_path, [Said("a", 10.0), Said("b", 10.0, arm="control"), Said("c", 10.0)], until=2000)
    changes = [(1, 5.0, True), (2, 5.0, True), (2, 8.0, False), (3, 11.0, True)]
    with closing(sqlite3.connect(path)) as connection, connection:
        for user_no, at, entered in changes:
            connection.execute(
                "INSERT INTO segment_changes (user_no, segment, at, entered, cause, policy_version)"
                " VALUES (?, 'loyal', ?, ?, 'event', 'p')",
                (user_no, START + round(at * HOUR), entered),
            )

    units = drawn(read_ledger(path), "spring", ["cart"]).units

    assert units.groups["segment loyal"].tolist() == ["in", "out", "out"]


def test_an_experiment_with_a_known_effect_is_read_as_it_was_written(tmp_path):
    said = a_campaign(users=2000, rates=(0.1, 0.2), share=0.3, days=20)
    result = found(tmp_path, said, until=24 * 22)
    control, treatment = (result.units.converted[result.units.arm == each].mean() for each in (0, 1))

    assert result.shares == (0.3, 0.7)
    assert len(result.units) == 2000
    assert control == pytest.approx(np.mean([bool(s.ordered_after) for s in said if s.arm == "control"]))
    assert treatment == pytest.approx(np.mean([bool(s.ordered_after) for s in said if s.arm != "control"]))
    assert result.units.until == START + 22 * DAY


def test_a_trigger_that_drew_nobody_is_no_experiment(tmp_path):
    with pytest.raises(NoExperiment, match="nobody was sent a message or withheld one yet by other"):
        found(tmp_path, [Said("a", 1.0)], triggers=("other",))


def test_where_nobody_was_held_out_there_is_nothing_to_compare(tmp_path):
    with pytest.raises(NoExperiment, match=r"spring: nobody to compare: \{'control': 0, 'treatment': 2\}"):
        found(tmp_path, [Said("a", 1.0), Said("b", 2.0)])


def test_what_went_by_uplift_is_compared_by_the_intent_of_then(tmp_path):
    path = write_ledger(tmp_path, [Said("a", 1.0, score=0.01), Said("b", 2.0, arm="control", score=0.2)], until=2000)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE decisions SET model_version = 'opportune-uplift-cart/1' WHERE score = 0.01")

    units = drawn(read_ledger(path), "spring", ("cart",)).units

    assert units.covariates["score"].tolist() == [0.3, 0.2]
