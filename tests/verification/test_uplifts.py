from verification.uplifts import study


def test_uplift_switches_where_somebody_is_persuadable_and_not_where_uplift_follows_intent():
    persuadable, proportional = (study(kind, runs=1, users=4000) for kind in ("persuadable", "proportional"))

    assert persuadable.switched.hits == 1
    assert all(low > 0 and true > 0 for _, low, _, true in persuadable.gains)
    assert proportional.switched.hits == 0
