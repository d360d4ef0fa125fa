import pytest

from features.events import BadEvent
from features.values import not_negative, number, section, text


@pytest.mark.parametrize(
    ("value", "found"), [(" u1 ", "u1"), (7, "7"), (7.0, "7"), ("", None), (" ", None), (None, None)]
)
def test_ids_are_text_or_whole_numbers(value, found):
    assert text(value, "userId") == found


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (True, "not_a_string"),
        (1.5, "not_a_string"),
        (float("nan"), "not_a_string"),
        ([], "not_a_string"),
        ({}, "not_a_string"),
        ("x" * 257, "too_long"),
        (10**300, "too_long"),
        ("a\x00b", "not_unicode"),
        ("\ud800", "not_unicode"),
    ],
)
def test_other_ids_are_refused(value, code):
    with pytest.raises(BadEvent) as refused:
        text(value, "userId")

    assert (refused.value.field, refused.value.code) == ("userId", code)


@pytest.mark.parametrize(
    ("value", "found"), [(1, 1.0), (2.5, 2.5), ("2.5", 2.5), (" 3 ", 3.0), ("", None), (None, None)]
)
def test_numbers_may_come_as_text(value, found):
    assert number(value, "price") == found


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "nan", "-inf", 1e13, 10**400, "1e999", "1_000", "3,50", "$3"]
)
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(BadEvent, match="price"):
        number(value, "price")


@pytest.mark.parametrize("value", [True, [], {}, b"1"])
def test_another_type_is_no_number(value):
    with pytest.raises(BadEvent, match="must be a number"):
        number(value, "price")


def test_less_than_nothing_is_refused():
    assert not_negative(0, "quantity") == 0
    with pytest.raises(BadEvent, match="must not be negative"):
        not_negative(-1, "quantity")


def test_a_section_is_an_object_or_absent():
    assert section(None, "context") == {}
    with pytest.raises(BadEvent, match="must be an object, not a list"):
        section([], "context")


def test_a_number_of_more_digits_than_python_prints_is_refused_too():
    for read in (text, number):
        with pytest.raises(BadEvent):
            read(10**6000, "userId")
