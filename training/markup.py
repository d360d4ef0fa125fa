"""Pieces of a report as HTML: text, tables, and pictures inside the file."""

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1040px;margin:2rem auto;padding:0 1rem;color:#1c2430}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;font-size:.9rem}
td,th{padding:.25rem .7rem;border-bottom:1px solid #dde3ea;text-align:left}td+td,th+th{text-align:right}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(400px,1fr));gap:1rem}img{width:100%}
.verdict{padding:.6rem 1rem;border-left:4px solid #2a7;background:#f0f8f4}.refused{border-color:#c62;background:#fbf3ee}
"""


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table; None is shown as a dash, a float with four places."""
    top = "".join(f"<th>{text(each.replace('_', ' '))}</th>" for each in head)
    body = "".join(f"<tr>{''.join(f'<td>{text(shown(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def shown(cell: Any) -> str:
    """Return a cell of a table in words."""
    match cell:
        case None:
            return "–"
        case float():
            return f"{cell:.4f}"
        case _:
            return str(cell)


def text(words: str) -> str:
    """Return words that cannot be taken for HTML."""
    return html.escape(words)


def picture(title: str, path: Path) -> str:
    """Return a PNG file as a figure."""
    return f'<figure><img alt="{text(title)}" src="{_inline(path)}"></figure>'


def _inline(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
