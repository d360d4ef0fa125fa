"""Linting a policy file from the command line."""

import pytest

from policy.lint import main


@pytest.fixture
def lint(tmp_path, capsys):
    def run(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        code = main([str(path)])
        said = capsys.readouterr()
        return code, said.out.replace(f"{path}", "mine.yaml"), said.err.replace(f"{path}", "mine.yaml")

    return run


def test_each_trigger_is_explained_and_doubts_are_no_failure(lint):
    code, said, _ = lint("triggers:\n- {name: a, on: Prodcut Viewed, threshold: 100%, cool_down: 1d}\n")

    assert code == 0
    assert said.startswith("a: At Prodcut Viewed, send a marketing message by webhook to default")
    assert "mine.yaml: warning: trigger a reacts to 'Prodcut Viewed'" in said
    assert "mine.yaml: warning: trigger a never fires" in said
    assert "mine.yaml: 1 triggers, 2 warnings, version " in said


def test_a_refused_file_fails_with_every_place(lint):
    code, said, refused = lint("triggers:\n- {name: a, on: x, treshold: 1, cool_down: 1d}\n")

    assert (code, said) == (1, "")
    assert refused.splitlines() == [
        "mine.yaml:2: triggers[0].threshold: is missing",
        "mine.yaml:2: triggers[0].treshold: is not a field we know; did you mean threshold?",
    ]


def test_a_file_that_a_server_would_refuse_is_refused_here_too(lint):
    assert lint("format: 1\n") == (1, "", "mine.yaml:1: has no `triggers:`; to have none, write `triggers: []`\n")


def test_names_are_those_of_the_mapping_that_a_server_would_use(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text(
        "triggers:\n- {name: a, on: [add_to_cart, Korb], threshold: 0.1, cool_down: 1d}\n"
    )
    (tmp_path / "map.yaml").write_text("events: {Korb: Cart Viewed}\n")

    assert main([str(tmp_path / "mine.yaml"), "--map", str(tmp_path / "map.yaml")]) == 0
    assert "At Product Added or Cart Viewed, send" in capsys.readouterr().out
    (tmp_path / "map.yaml").write_text("evnts: {}\n")
    assert main([str(tmp_path / "mine.yaml"), "--map", str(tmp_path / "map.yaml")]) == 1
    assert "evnts" in capsys.readouterr().err
