from verification.runs import Runs
from verification.uplifts import gains_table, study


def test_uplift_switches_where_somebody_is_persuadable_and_not_where_uplift_follows_intent():
    persuadable, proportional = (study(kind, Runs(), logs=1, users=4000) for kind in ("persuadable", "proportional"))

    assert persuadable.switched.hits == 1
    assert all(low > 0 and true > 0 for _, low, _, true in persuadable.gains)
    assert proportional.switched.hits == 0
    assert [each.hits for each in persuadable.bars[:2]] == [1, 1]
    assert gains_table([persuadable, proportional]).splitlines()[-1] == "| proportional | 0 | – | – | – |"
