from verification.policy_values import earned_table, study
from verification.runs import Runs


def test_a_few_logs_with_exploration_keep_the_promises_of_policy_values():
    found = study(0.1, Runs(), logs=3, users=6000, seed=5)

    assert [each for each in found.bars if not each.holds] == []
    assert found.lower_answered == 3
    assert sum(found.candidate_earns) / 3 > 0.8
    assert earned_table([found]).count("| 10% |") == 2


def test_a_few_logs_without_exploration_answer_nothing_below_the_threshold():
    found = study(0.0, Runs(), logs=2, users=4000, seed=5)

    answered = next(each for each in found.bars if each.name == "exploration 0%: a lower threshold is answered")
    assert (answered.hits, answered.runs) == (0, 2)
    assert answered.holds
    assert not answered._replace(hits=1).holds
