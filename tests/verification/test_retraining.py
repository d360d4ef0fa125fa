from verification.contests import BETTER, EQUAL, WORSE, Said
from verification.retraining import rules_table, weeks_table
from verification.weekly import Week


def test_the_table_says_which_rule_refused_how_many():
    promoted = Said(True, False, None, 0.002, 0.99, 1400)
    refused = Said(False, False, "log-loss", 0.004, 0.97, 1500)

    lines = rules_table({WORSE: [refused, refused], EQUAL: [promoted, refused], BETTER: [promoted]}).splitlines()

    assert lines[0].endswith("| orders | promoted | refused by log-loss |")
    assert lines[2:] == [
        "| 0.9 % worse | 0.40% | 0.970 | 1,500 | 0 | 2 |",
        "| equal | 0.30% | 0.980 | 1,450 | 1 | 1 |",
        "| 0.9 % better | 0.20% | 0.990 | 1,400 | 1 | 0 |",
    ]


def test_the_table_says_how_far_each_shop_came_from_its_first_champion():
    weeks = [Week(True, 0.006, 0.006), Week(False, 0.02, 0.006), Week(True, -0.001, -0.001)]

    assert weeks_table({4: weeks}).splitlines()[2] == "| 4 | 2 of 3 | +0.60% | -0.10% | +2.00% |"
