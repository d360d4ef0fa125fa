import pytest

from serving.history_tables import read_csv
from serving.mapping_file import read_mapping

HEADER = "user_id,event,timestamp,colour\n"


@pytest.mark.parametrize("later", ["", 'u9,Product Viewed,2017-08-01T12:00:00Z,"red, or so"\n'])
def test_a_quote_that_nobody_closes_costs_its_own_row_alone(tmp_path, later):
    path = tmp_path / "history.csv"
    stray = 'u0,Product Viewed,2017-08-01T12:00:00Z,"red\n'
    good = [f"u{number},Product Viewed,2017-08-01T12:00:00Z,red\n" for number in range(10, 5010)]
    path.write_text("".join([HEADER, good[0], stray, *good[1:], later]))

    rows = list(read_csv(path, read_mapping(None), lambda _: None))

    assert [(row.line, row.text) for row in rows if row.bad] == [(3, stray)]
    assert [row.line for row in rows] == [2, 3, *range(4, len(rows) + 2)]
    assert len(rows) == 5001 + bool(later)


def test_lines_that_are_read_again_keep_their_numbers_and_their_faults(tmp_path):
    path = tmp_path / "history.csv"
    path.write_bytes(HEADER.encode() + b'a,b,c,"d\n' + b"e,f,g,\xff\n" + b'i,j,k,"two\nlines"\n' + b"m,n,o,p\n")

    rows = list(read_csv(path, read_mapping(None), lambda _: None))

    assert {row.line: row.bad.code if row.bad else row.raw["colour"] for row in rows} == {
        2: "not_csv",
        3: "not_utf8",
        4: "two\nlines",
        6: "p",
    }
