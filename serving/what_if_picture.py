"""The comparison of two policies as a picture: an SVG that needs nothing but a browser."""

from collections.abc import Iterator
from html import escape
from typing import Final

from serving.what_if_summary import Comparison, Pair

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _BAR = 860, 210, 120, 96, 62, 20
_ONLY_PRESENT, _BOTH, _ONLY_OTHER, _CONTROL, _INK = "#d55e00", "#7f7f7f", "#0072b2", "#dddddd", "#222222"
_LEGEND: Final = (
    ("in both", _BOTH),
    ("only the present policy", _ONLY_PRESENT),
    ("only the other one", _ONLY_OTHER),
    ("held out", _CONTROL),
)


def picture(found: Comparison, title: str) -> str:
    """Return the messages of each trigger under both policies as bars, those that both send apart from the others."""
    most = max(
        (side.sends + side.control for pair in found.triggers.values() for side in (pair.present, pair.other)),
        default=0,
    )
    height = _TOP + _ROW * max(1, len(found.triggers)) + 16
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
            f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="13" fill="{_INK}">'
        ),
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        f'<text x="20" y="30" font-size="17">{escape(title)}</text>',
        *_legend(),
    ]
    for number, (name, pair) in enumerate(found.triggers.items()):
        parts += _row(name, pair, _TOP + number * _ROW, (_WIDTH - _LEFT - _RIGHT) / max(most, 1))
    if not found.triggers:
        parts.append(f'<text x="20" y="{_TOP + 20}">Neither policy decided anything.</text>')
    return "\n".join([*parts, "</svg>\n"])


def _legend() -> Iterator[str]:
    x = 20
    for text, colour in _LEGEND:
        yield f'<rect x="{x}" y="48" width="14" height="14" fill="{colour}"/>'
        yield f'<text x="{x + 20}" y="60">{text}</text>'
        x += 44 + 6 * len(text)


def _row(name: str, pair: Pair, y: int, scale: float) -> Iterator[str]:
    yield f'<text x="20" y="{y + 26}">{escape(name)}</text>'
    for side, only, colour, top in (
        (pair.present, pair.only_present, _ONLY_PRESENT, y),
        (pair.other, pair.only_other, _ONLY_OTHER, y + _BAR + 2),
    ):
        x = float(_LEFT)
        # Of several messages to somebody on a day, the later ones go with the first.
        for count, fill in ((side.sends - only, _BOTH), (only, colour), (side.control, _CONTROL)):
            yield f'<rect x="{x:.1f}" y="{top}" width="{count * scale:.1f}" height="{_BAR}" fill="{fill}"/>'
            x += count * scale
        which = "present" if colour == _ONLY_PRESENT else "other"
        yield f'<text x="{x + 6:.1f}" y="{top + 15}" font-size="12">{which}: {side.sends:,} sent</text>'
