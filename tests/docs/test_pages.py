"""Every page of the documentation does what it says."""

import re
from pathlib import Path

import pytest

from tests.docs.page import EXECUTED, PARSED, read_blocks
from tests.docs.walk import ROOT, Walk

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_code_block_does_what_the_page_says(page, tmp_path):
    blocks = read_blocks(page.relative_to(ROOT), page.read_text(encoding="utf-8"))
    if not any(block.language in EXECUTED | PARSED for block in blocks):
        return
    with Walk(tmp_path) as reader:
        for block in blocks:
            reader.take(block)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_within_the_repository_leads_somewhere(page):
    links = LINK.findall(page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []
