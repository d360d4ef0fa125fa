import re

from tests.architecture import tree
from verification.__main__ import main
from verification.bars import Bar
from verification.page import DOCS

HELD, MISSED = Bar("held", 50, 1000, 0.05, "most"), Bar("missed", 500, 1000, 0.05, "most")
PARTS = {"one": lambda _runs: [HELD], "two": lambda _runs: [HELD, MISSED]}


def test_a_missed_promise_ends_with_1_and_only_the_part_that_was_asked_for_is_run(capsys):
    assert main(["--part", "one"], PARTS) == 0
    assert "MISSED" not in capsys.readouterr().out

    assert main(["--part", "two"], PARTS) == main([], PARTS) == 1
    assert "MISSED  missed: 50.00% (at most 5%)" in capsys.readouterr().out


def test_every_place_of_the_pages_is_written_and_what_is_written_has_a_place():
    pages = "".join(each.read_text(encoding="utf-8") for each in DOCS.glob("*.md"))
    code = "".join(tree.text(tree.ROOT / path) for path in tree.modules() if path.parts[0] == "verification")

    places = re.findall(r"<!-- ([^,>]+), written by `make verify-statistics` -->", pages)

    assert sorted(places) == sorted(re.findall(r'page\.write\("([^"]+)"', code))
