from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from features.file_layout import FileLayout
from features.mapping_checks import BadMapping


def test_a_file_says_everything_itself_unless_told_otherwise():
    assert FileLayout.of({}) == FileLayout(zone=ZoneInfo("UTC"))
    assert FileLayout().zone is UTC


def test_what_is_said_is_taken():
    found = FileLayout.of(
        {
            "columns": ["a", "b"],
            "time_unit": "ms",
            "zone": "Europe/Berlin",
            "constants": {"event": "buy"},
            "json": ["b"],
        }
    )

    assert (found.columns, found.time_unit, found.json) == (("a", "b"), "ms", {"b"})
    assert (found.zone, found.constants) == (ZoneInfo("Europe/Berlin"), {"event": "buy"})


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ({"columns": "a"}, "file.columns"),
        ({"columns": ["a", ""]}, "file.columns[1]"),
        ({"time_unit": "d"}, "file.time_unit"),
        ({"time_unit": ["s"]}, "file.time_unit"),
        ({"time_format": 5}, "file.time_format"),
        ({"zone": None}, "file.zone"),
        ({"constants": []}, "file.constants"),
        ({"delimiter": ""}, "file.delimiter"),
    ],
)
def test_what_cannot_be_meant_is_refused(rows, place):
    with pytest.raises(BadMapping) as refused:
        FileLayout.of(rows)

    assert refused.value.place == place
