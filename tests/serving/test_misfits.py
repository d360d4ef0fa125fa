import json

import pytest

from serving.misfits import find_misfit


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ('{"properties": {"price": NaN}}', "properties.price", "must be a finite number"),
        ('{"a": [1, {"b c": -Infinity}]}', "a[1].b c", "must be a finite number"),
        ('{"price": 1e400}', "price", "must be a finite number"),
        ('{"count": ' + "9" * 5000 + "}", "count", "must be a finite number"),
        ('[{"name": "caf\\ud83d"}]', "[0].name", "is not valid Unicode"),
        ('{"traits": {"\\ud83d": 1}}', "traits", "has a name that is not valid Unicode"),
    ],
)
def test_what_cannot_be_kept_is_found_by_its_path(text, path, reason):
    assert find_misfit(text.encode()) == (path, reason)


def test_the_first_is_told():
    assert find_misfit(b'{"a": 1, "b": {"c": NaN}, "d": NaN}') == ("b.c", "must be a finite number")


@pytest.mark.parametrize(
    "text", [b"{", b"NaN", b'"\xff"', b'{"a": ' * 9000, json.dumps({"a": ["\U0001f600", 1.5]}).encode()]
)
def test_where_nothing_within_is_to_blame_nothing_is_told(text):
    assert find_misfit(text) is None


def test_nobody_is_led_deeper_than_can_be_followed():
    assert find_misfit(b'{"a": ' * 500 + b"NaN" + b"}" * 500) is None
