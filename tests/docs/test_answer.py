from tests.docs.answer import unlike


def test_other_numbers_and_texts_are_the_same_answer():
    assert list(unlike({"p": 0.12, "ids": ["a", "b"], "n": 1}, {"p": 0, "ids": ["c"], "n": 2.5})) == []


def test_null_stands_for_any_value():
    assert list(unlike({"explain": None, "score": 1}, {"explain": {"24h": []}, "score": None})) == []


def test_a_field_on_one_side_only_is_told_with_its_place():
    assert list(unlike({"a": {"b": 1}}, {"a": {"c": 1}})) == ["$.a.b: shown only", "$.a.c: answered only"]


def test_another_kind_of_value_is_told_with_its_place():
    assert list(unlike({"a": [True]}, {"a": [1]})) == ["$.a[0]: shown as true or false, answered as a number"]
