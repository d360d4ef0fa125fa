"""The pages for people without a login: plain HTML of ours that loads nothing from elsewhere and needs no script."""

from __future__ import annotations

import base64
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from serving.preferences import Choice

STATIC: Final = Path(__file__).with_name("static")
NOT_FOUND: Final = 404
_STYLE: Final = (STATIC / "opt_out.css").read_text(encoding="utf-8")
_STYLE_HASH: Final = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Content-Security-Policy": (
        # Its icon is none, written into the page: a browser would ask for one otherwise.
        f"default-src 'none'; img-src data:; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    # The address of the page is the key to it.
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_CHANNELS: Final = {"email": "E-mail", "sms": "Text message (SMS)", "push": "Push notification"}
_BY: Final = {"email": "by e-mail", "sms": "by text message (SMS)", "push": "by push notification"}
_templates = Environment(
    loader=FileSystemLoader(STATIC), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def opt_out_page(*, channel: str, choices: Sequence[Choice], done: str | None = None) -> Response:
    """Return the page of an unsubscribe link.

    Args:
        channel: What the link is about.
        choices: What there is to choose.
        done: What the person just did: `unsubscribed`, `saved`; None where they only opened it.
    """
    rows = [(each.name, _words(each.purpose), _channel(each.channel), each.is_on) for each in choices]
    return _page("opt_out.html", 200, by=_BY.get(channel, "in this way"), choices=rows, done=done)


def unknown_link_page() -> Response:
    """Return what is said of a link that we did not make, or that was cut short on its way."""
    return _page("unknown_link.html", NOT_FOUND)


def _page(name: str, status: int, **values: object) -> Response:
    content = _templates.get_template(name).render(style=_STYLE, **values)
    return Response(content, status, dict(_HEADERS), "text/html; charset=utf-8")


def _words(purpose: str) -> str:
    return purpose.replace("-", " ").replace("_", " ").capitalize()


def _channel(channel: str) -> str:
    return _CHANNELS.get(channel, "Message")
