"""A page's code blocks: their language, their marks and where they stand."""

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<info>[^`]*)$")
EXECUTED = {"bash", "python"}
PARSED = {"csv", "json", "toml", "yaml"}
SHOWN = {"console", "html", "javascript", "mermaid", "text"}
MARKS = {"answer", "background", "dry", "fails", "file", "serve"}


class UnclearBlock(ValueError):
    """This code block has no language, or a mark that nobody knows."""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block.

    Attributes:
        page: The file that it stands in.
        line: The line of its opening fence, from 1.
        language: The first word behind the fence.
        marks: The further words, `name` or `name=value`; see CONTRIBUTING.md.
        text: What is between the fences.
    """

    page: Path
    line: int
    language: str
    marks: dict[str, str]
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def read_blocks(page: Path, text: str) -> list[Block]:
    """Return a page's blocks in order.

    Raises:
        UnclearBlock: A block says no known language or mark, or is never closed.
    """
    found: list[Block] = []
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        opening = FENCE.match(line)
        if opening is None:
            continue
        inside: list[str] = []
        for _, content in lines:
            if content.strip() == opening["fence"]:
                break
            inside.append(content.removeprefix(opening["indent"]))
        else:
            raise UnclearBlock(f"{page}:{number}: the block is never closed")
        found.append(_block(page, number, opening["info"], "\n".join(inside) + "\n"))
    return found


def _block(page: Path, line: int, info: str, text: str) -> Block:
    language, *words = info.split() or [""]
    marks = {name: value for name, _, value in (word.partition("=") for word in words)}
    if language not in EXECUTED | PARSED | SHOWN:
        raise UnclearBlock(f"{page}:{line}: '{language}' is none of {', '.join(sorted(EXECUTED | PARSED | SHOWN))}")
    if unknown := marks.keys() - MARKS:
        raise UnclearBlock(f"{page}:{line}: '{unknown.pop()}' is none of the marks {', '.join(sorted(MARKS))}")
    return Block(page, line, language, marks, text)
