"""Paths into JSON: by field and by position, wherever a file of ours names one."""

import pytest

from serving.json_paths import found_at
from serving.provider_body import body

ORDER = {"customer": {"id": 7}, "items": [{"name": "Lamp"}, None], "note": "", "0": "zero"}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("customer.id", 7),
        ("items.0.name", "Lamp"),
        ("items.1", None),
        ("items.1.name", None),
        ("items.2", None),
        ("items.-1", None),
        ("items.name", None),
        ("note", ""),
        ("note.0", None),
        ("0", "zero"),
        ("nobody.id", None),
    ],
)
def test_what_stands_at_a_path_is_found_and_nothing_where_there_is_nothing(path, found):
    assert found_at(ORDER, path.split(".")) == found


def test_a_value_of_a_body_for_a_provider_may_be_named_by_its_position():
    written = {"first": "{{ json.items.0 }}", "name": "{{ json.items.0.name }}", "none": "{{ json.items.9 }}"}

    assert body(written).fill({"json": ORDER}) == {"first": {"name": "Lamp"}, "name": "Lamp"}
