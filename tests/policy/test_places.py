"""Files of operators: whatever is wrong with one is said by line, and soon."""

import os

import pytest

from policy.places import FileRefused, read, read_yaml


def test_aliases_of_aliases_that_say_millions_are_refused_by_their_line():
    layers = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))

    with pytest.raises(FileRefused) as refused:
        read_yaml(f"a0: &a0 [x]\n{layers}", "channels.yaml")

    place, _, says = str(refused.value).partition(": ")
    assert place == "channels.yaml:1"
    assert "more than 200,000 fields here" in says


@pytest.mark.parametrize(
    "value",
    ["!!timestamp x", "!!int x", "!!float x", "!!binary zzz", "!!bool maybe", "!!bool [x]", "2026-99-99", "1" * 5000],
)
def test_a_value_that_is_not_what_its_tag_says_is_no_yaml_on_its_line(value):
    with pytest.raises(FileRefused, match=r"channels\.yaml:2: not valid YAML: "):
        read_yaml(f"a: 1\nb: {value}\n", "channels.yaml")


def test_bytes_that_are_no_text_are_refused_by_their_line(tmp_path):
    (tmp_path / "channels.yaml").write_bytes("a: ü\nb: é\n".encode().replace("é".encode(), b"\xe9"))

    with pytest.raises(FileRefused, match=r"channels\.yaml:2: cannot be read: is not in UTF-8 here"):
        read(tmp_path / "channels.yaml")


def test_a_pipe_is_refused_before_anybody_waits_for_its_end(tmp_path):
    os.mkfifo(tmp_path / "triggers.yaml")

    with pytest.raises(FileRefused, match=r"triggers\.yaml:1: cannot be read: .*Is not a regular file"):
        read(tmp_path / "triggers.yaml")


def test_a_link_to_a_file_is_read_as_that_file(tmp_path):
    (tmp_path / "mounted.yaml").write_text("a: 1\n")
    (tmp_path / "channels.yaml").symlink_to("mounted.yaml")

    assert read(tmp_path / "channels.yaml") == "a: 1\n"


def test_a_few_aliases_are_what_they_stand_for():
    found, places = read_yaml("a: &a {b: 1}\nc: *a\n", "channels.yaml")

    assert found == {"a": {"b": 1}, "c": {"b": 1}}
    assert places["c",] == 2
