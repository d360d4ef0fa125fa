from datetime import timedelta

import pytest

from models.horizon import duration, registered_name


@pytest.mark.parametrize(
    ("label", "length"), [("24h", timedelta(hours=24)), ("7d", timedelta(days=7)), ("1h", timedelta(hours=1))]
)
def test_a_label_says_how_far_ahead(label, length):
    assert duration(label) == length


@pytest.mark.parametrize("label", ["", "h", "0h", "24", "7w", "-1d", "24H", " 24h", "24h\n", "99999d"])
def test_what_is_no_horizon_is_refused(label):
    with pytest.raises(ValueError, match="is no horizon"):
        duration(label)


def test_a_model_is_named_by_its_horizon():
    assert registered_name("7d") == "opportune-intent-7d"
