import numpy as np
import pytest

from tests.features.histories import HOUR, MINUTE
from tests.training.decided import END, PRESENT, TRIGGER, run, write_decisions
from training.decision_log import Ledger
from training.world_decisions import moments

AT = moments("even", 500, seed=2)


def test_the_ledger_tells_what_was_decided_and_what_followed(tmp_path):
    written = write_decisions(tmp_path, AT, exploration=0.1)

    found = Ledger(tmp_path / "opportune.db").of(TRIGGER)

    # From the first decision on that could have been sent below the threshold.
    tail = written.where(np.arange(len(written)) >= np.argmax(written.score < PRESENT))
    assert found.explores
    assert (found.present, found.horizon, found.immature) == (PRESENT, "24h", 0)
    for name in ("score", "sent", "ordered", "unsubscribed"):
        assert getattr(found.decisions, name).tolist() == getattr(tail, name).tolist()
    assert found.decisions.chance == pytest.approx(tail.chance)
    assert (found.decisions.features[:, :5] == tail.features).all()
    assert (found.above == (tail.score >= PRESENT)).all()


def test_without_exploration_all_decisions_count_and_those_held_for_sure_are_told(tmp_path):
    written = write_decisions(tmp_path, AT, exploration=0.0)

    found = Ledger(tmp_path / "opportune.db").of(TRIGGER)

    assert not found.explores
    assert len(found.decisions) == len(written)
    assert found.held_for_sure == (written.score < PRESENT).sum()
    assert not found.decisions.chance[~found.above].any()


def test_what_was_decided_before_exploration_began_is_left_out(tmp_path):
    write_decisions(tmp_path, AT, exploration=0.1)
    database = tmp_path / "opportune.db"
    (begins,) = run(database, "SELECT at FROM decisions ORDER BY at LIMIT 1 OFFSET 500")
    run(database, "DELETE FROM decisions WHERE at < ? AND reason = 'sent' AND score < threshold", begins)
    run(database, "UPDATE decisions SET propensity = 1.0 WHERE at < ? AND reason = 'below_threshold'", begins)
    (after,) = run(database, "SELECT count(*) FROM decisions WHERE at >= ?", begins)

    found = Ledger(database).of(TRIGGER)

    assert len(found.decisions) == pytest.approx(after, abs=10)
    assert len(found.decisions) <= after
    assert found.held_for_sure == 0


def test_a_decision_whose_horizon_is_not_over_says_nothing_yet(tmp_path):
    write_decisions(tmp_path, AT, exploration=0.0)
    database = tmp_path / "opportune.db"
    run(database, "UPDATE decisions SET at = ? WHERE trigger_decision_id IN ('d0-t', 'd1-t')", END - 25 * HOUR + MINUTE)
    run(database, "UPDATE decisions SET at = ? WHERE trigger_decision_id = 'd2-t'", END - 25 * HOUR)

    found = Ledger(database).of(TRIGGER)

    assert found.immature == 2
    assert len(found.decisions) == AT.user.size - 2


def test_an_order_of_an_id_that_was_linked_counts_for_the_person(tmp_path):
    write_decisions(tmp_path, AT, exploration=0.0)
    database = tmp_path / "opportune.db"
    buyer, decided = run(
        database,
        "SELECT d.user_no, trigger_decision_id FROM decisions d JOIN events e ON e.user_no = d.user_no AND kind = 17"
        " AND occurred_at BETWEEN at AND at + 86400000000 ORDER BY at LIMIT 1",
    )
    (other,) = run(database, "SELECT MAX(user_no) FROM users WHERE user_no NOT IN (SELECT user_no FROM events)")
    run(database, "UPDATE decisions SET user_no = ? WHERE trigger_decision_id = ?", other, decided)
    apart = Ledger(database).of(TRIGGER).decisions.ordered.sum()
    run(database, "UPDATE events SET user_no = ?, linked_no = ? WHERE message_id = 'last'", other, buyer)

    assert Ledger(database).of(TRIGGER).decisions.ordered.sum() == apart + 1


def test_whoever_came_since_the_log_was_read_is_passed_by(tmp_path):
    write_decisions(tmp_path, AT, exploration=0.0)
    database = tmp_path / "opportune.db"
    ledger = Ledger(database)
    before = len(ledger.of(TRIGGER).decisions)
    run(database, "INSERT INTO users (user_no, user_key, unit, last_seq, last_known_at) VALUES (99999, 'n', 'n', 0, 0)")
    run(database, "UPDATE decisions SET user_no = 99999 WHERE trigger_decision_id = 'd0-t'")

    assert len(ledger.of(TRIGGER).decisions) == before - 1


def test_bots_and_staff_are_out(tmp_path):
    write_decisions(tmp_path, AT, exploration=0.0)
    database = tmp_path / "opportune.db"
    run(database, "UPDATE users SET excluded = 'bot' WHERE user_no = (SELECT user_no FROM decisions LIMIT 1)")
    (left,) = run(database, "SELECT count(*) FROM decisions JOIN users USING (user_no) WHERE excluded IS NULL")

    assert len(Ledger(database).of(TRIGGER).decisions) == left < AT.user.size


def test_where_arms_ask_for_different_scores_no_one_threshold_is_in_force(tmp_path):
    write_decisions(tmp_path, AT, exploration=0.0)
    database = tmp_path / "opportune.db"
    one = Ledger(database).of(TRIGGER).by_arm
    run(database, "UPDATE decisions SET threshold = 0.1, arm = 'bold' WHERE user_no % 2 = 0")

    assert (one, Ledger(database).of(TRIGGER).by_arm) == (False, True)


def test_features_of_another_catalogue_are_not_taken_for_these(tmp_path):
    write_decisions(tmp_path, AT, exploration=0.0)
    database = tmp_path / "opportune.db"
    run(database, "UPDATE evaluations SET catalogue = 'other' WHERE decision_id = 'd0'")
    run(database, "UPDATE evaluations SET features = NULL WHERE decision_id = 'd1'")

    features = Ledger(database).of(TRIGGER).decisions.features

    assert np.isnan(features).all(axis=1).sum() == 2


def test_later_steps_and_guarded_decisions_are_not_the_scores(tmp_path):
    write_decisions(tmp_path, AT, exploration=0.0)
    database = tmp_path / "opportune.db"
    run(database, "UPDATE decisions SET reason = 'capped', action = 'hold' WHERE trigger_decision_id = 'd0-t'")
    run(database, "UPDATE decisions SET step = 1 WHERE trigger_decision_id = 'd1-t'")

    assert len(Ledger(database).of(TRIGGER).decisions) == AT.user.size - 2


def test_the_mean_order_is_of_the_log(tmp_path):
    write_decisions(tmp_path, AT, exploration=0.0)
    ledger = Ledger(tmp_path / "opportune.db")

    assert ledger.mean_order == pytest.approx(40.0)
    assert ledger.triggers == [TRIGGER]


def test_a_trigger_that_nobody_knows_is_named(tmp_path):
    write_decisions(tmp_path, AT, exploration=0.0)

    with pytest.raises(LookupError, match="'win-back'"):
        Ledger(tmp_path / "opportune.db").of("win-back")


def test_of_what_went_by_uplift_the_intent_of_then_is_the_score_and_what_was_needed_says_what_is_above(tmp_path):
    write_decisions(tmp_path, AT, exploration=0.1)
    database = tmp_path / "opportune.db"
    before = Ledger(database).of(TRIGGER)
    run(database, """UPDATE evaluations SET scores = json_object('24h',
        (SELECT score FROM decisions d WHERE d.decision_id = evaluations.decision_id))""")  # fmt: skip
    # The same order on another scale, so that the same decisions are above what was needed.
    uplift = f"opportune-uplift-{TRIGGER}/2"
    run(database, "UPDATE decisions SET model_version = ?, score = score / 10, threshold = threshold / 10", uplift)

    found = Ledger(database).of(TRIGGER)

    assert before.by_uplift is None
    assert (found.by_uplift, found.present) == (uplift, PRESENT / 10)
    assert found.decisions.score == pytest.approx(before.decisions.score)
    assert found.above.tolist() == before.above.tolist()
