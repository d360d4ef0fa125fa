import pytest

from verification.bars import Bar
from verification.page import bars_table, write


def test_figures_go_between_the_marks_of_the_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- figures, written by `make verify-statistics` -->\n\nold\n<!-- end -->\nb\n")

    write("figures", "new\n", page)

    assert page.read_text() == "a\n<!-- figures, written by `make verify-statistics` -->\n\nnew\n\n<!-- end -->\nb\n"
    with pytest.raises(ValueError, match="no place for others"):
        write("others", "new", page)


def test_a_promise_that_does_not_hold_is_marked():
    table = bars_table([Bar("errors", 80, 1000, 0.05, "most"), Bar("errors", 50, 1000, 0.05, "most")])

    assert "**no**" in table.splitlines()[2]
    assert "| yes |" in table.splitlines()[3]


def test_a_counted_promise_is_told_without_a_p_value():
    table = bars_table([Bar("better", 8, 10, 0.9, "least", counted=True)])

    assert table.splitlines()[2] == "| better | 80.00% | 8 of 10 | at least 90% | counted | **no** |"
