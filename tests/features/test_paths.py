import pytest

from features.paths import written


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("triggers", 0, "threshold"), "triggers[0].threshold"),
        ((2, "price"), "[2].price"),
        (("centres", 0, 1), "centres[0][1]"),
        (("home",), "home"),
        ((), ""),
    ],
)
def test_a_path_is_written_as_people_do(path, text):
    assert written(path) == text
