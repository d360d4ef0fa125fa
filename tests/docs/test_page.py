from pathlib import Path

import pytest

from tests.docs.page import UnclearBlock, read_blocks

PAGE = Path("page.md")


def test_blocks_come_in_order_with_their_lines_and_marks():
    text = "# Title\n\n```bash serve\nmake serve\n```\n\n- item\n  ```yaml file=a/b.yaml\n  x:\n    - 1\n  ```\n"

    first, second = read_blocks(PAGE, text)

    assert (first.line, first.language, first.marks, first.text) == (3, "bash", {"serve": ""}, "make serve\n")
    assert (second.line, second.marks, second.text) == (8, {"file": "a/b.yaml"}, "x:\n  - 1\n")
    assert str(second) == "page.md:8"


def test_a_longer_fence_holds_a_shorter_one():
    (block,) = read_blocks(PAGE, "````text\n```bash\nfalse\n```\n````\n")

    assert block.text == "```bash\nfalse\n```\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("```\nls\n```\n", "'' is none of"),
        ("```sh\nls\n```\n", "'sh' is none of"),
        ("```bash norun\nls\n```\n", "'norun' is none of the marks"),
        ("```bash\nls\n", "never closed"),
    ],
)
def test_an_unclear_block_is_refused_with_its_place(text, reason):
    with pytest.raises(UnclearBlock, match=rf"page\.md:1: .*{reason}"):
        read_blocks(PAGE, text)
