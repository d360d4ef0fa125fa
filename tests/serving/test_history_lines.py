"""Files are read line by line, as what they hold and not as what they are named."""

import gzip
import os
import re
from errno import ENOSPC

import pytest

from serving.history_lines import FileRefused, importable, lines_of, refusal
from tests.commands import told


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


@pytest.mark.parametrize(
    "command",
    [
        ("serving.history",),
        ("serving.product_files",),
        ("serving.profile_files",),
        ("serving.code_files", "--pool", "spring"),
    ],
    ids=" ".join,
)
def test_each_command_that_imports_names_the_file_that_it_could_not(tmp_path, command):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "x.pdf").touch()
    for folder in ("folder.csv", "folder.jsonl.gz", "folder.parquet"):
        (tmp_path / folder).mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    refused = {
        "nowhere.csv": "No such file or directory",
        "nowhere.jsonl.gz": "No such file or directory",
        "empty.csv": "the file does not begin with a line in UTF-8 that names the columns",
        "x.pdf": "is none of .*",
        "folder.csv": "Is a directory",
        "folder.jsonl.gz": "Is a directory",
        "folder.parquet": "Is a directory",
        ".": "Is a directory",
        "pipe.jsonl": "Is not a regular file",
    }

    for name, reason in refused.items():
        done = told(tmp_path / "home", *command, tmp_path / name)

        assert (done.returncode, done.stdout) == (1, "")
        assert re.fullmatch(f"nothing imported: {re.escape(str(tmp_path / name))}: {reason}\n", done.stderr)


def test_a_path_of_a_file_that_is_there_is_importable_also_by_a_link(tmp_path):
    (tmp_path / "x.csv").touch()
    (tmp_path / "link.csv").symlink_to(tmp_path / "x.csv")

    assert importable(tmp_path / "link.csv") == tmp_path / "link.csv"


def test_another_file_that_was_in_the_way_keeps_its_name(tmp_path):
    full = OSError(ENOSPC, os.strerror(ENOSPC), str(tmp_path / "home" / "x.staged"))

    assert refusal(tmp_path / "x.csv", full).endswith(f"No space left on device: '{tmp_path}/home/x.staged'\n")
