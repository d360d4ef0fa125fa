from verification.policy_values import study


def test_a_few_logs_with_exploration_keep_the_promises_of_policy_values():
    found = study(0.1, logs=3, users=6000, seed=5)

    assert all(each.holds for each in found.covers)
    assert found.lower_answered == 3
    assert sum(found.candidate_earns) / 3 > 0.8


def test_a_few_logs_without_exploration_answer_nothing_below_the_threshold():
    found = study(0.0, logs=2, users=4000, seed=5)

    assert found.lower_answered == 0
    assert found.kept
