"""Files are read line by line, as what they hold and not as what they are named."""

import gzip

import pytest

from serving.history_lines import FileRefused, lines_of


@pytest.mark.parametrize("name", ["history.csv", "history.csv.gz"])
@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_what_is_compressed_is_told_by_what_the_file_holds(tmp_path, name, packed):
    path = tmp_path / name
    path.write_bytes(packed(b"one\ntwo"))

    assert list(lines_of(path, lambda _: None)) == [(1, b"one\n"), (2, b"two")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
@pytest.mark.parametrize("name", ["history.csv", "history.jsonl"])
def test_a_file_in_utf_16_is_refused_as_that(tmp_path, name, encoding):
    path = tmp_path / name
    path.write_bytes("\ufeffuser_id,event".removeprefix("\ufeff" if encoding == "utf-16" else "").encode(encoding))

    with pytest.raises(FileRefused, match="is UTF-16: save it as UTF-8"):
        next(lines_of(path, lambda _: None))


def test_an_empty_file_has_no_lines(tmp_path):
    (tmp_path / "history.csv").write_bytes(b"")

    assert list(lines_of(tmp_path / "history.csv", lambda _: None)) == []
