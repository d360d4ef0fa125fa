"""The links of a message that lead through this server: to unsubscribe, to tell of an opened message and of a click."""

import re
from html import unescape
from html.parser import HTMLParser
from itertools import accumulate
from typing import Final
from urllib.parse import urlsplit

from serving.tokens import Tokens

UNTRACKED: Final = "data-untracked"
"""An attribute of a link that shall lead straight to where it says."""
LONGEST_URL: Final = 2000
_LINKING: Final = frozenset({"a", "area"})
_ATTRIBUTE: Final = re.compile(r"""\s+([^\s=/>"']+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?""")
_BODY_END: Final = re.compile(r"</body\s*>", re.IGNORECASE)
_PICTURE: Final = '<img src="{url}" width="1" height="1" alt="" style="display:none">'


def unsubscribe_url(base: str, token: str) -> str:
    """Return where people unsubscribe, on a page or with one click (RFC 8058); `base` is `Settings.links_base`."""
    return f"{base}/u/{token}"


def tracked(html: str, tokens: Tokens, message_id: str, *, base: str) -> str:
    """Return a message's HTML whose links tell of clicks, and with a picture that tells that it was opened.

    Links to unsubscribe by, to anything but web pages, of more than LONGEST_URL characters, and those that have the
    attribute `data-untracked` stay as they are. So does everything else, to the letter.

    Args:
        html: Of the message.
        tokens: Seals what the links say.
        message_id: Which message it is.
        base: `Settings.links_base`.
    """
    found = _Links(html)
    parts, done = [], 0
    for start, end, url in found.places:
        if not url.startswith(f"{base}/"):
            parts += [html[done:start], f'"{base}/c/{tokens.clicked(message_id, url)}"']
            done = end
    text = "".join([*parts, html[done:]])
    picture = _PICTURE.format(url=f"{base}/o/{tokens.opened(message_id)}.gif")
    ends = list(_BODY_END.finditer(text))
    at = ends[-1].start() if ends else len(text)
    return text[:at] + picture + text[at:]


def is_web_address(url: str) -> bool:
    """Whether a link leads to a page on the web, and so somewhere that a browser may be sent."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


class _Links(HTMLParser):
    """Finds where in a text links say where they lead: (start, end) of each attribute's value with its quotes, URL."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self.places: list[tuple[int, int, str]] = []
        # As the parser counts lines: by line feeds alone.
        self._lines = [0, *accumulate(len(line) + 1 for line in html.split("\n"))]
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _LINKING or UNTRACKED in dict(attrs):
            return
        line, column = self.getpos()
        start = self._lines[line - 1] + column
        text = self.get_starttag_text() or ""
        for found in _ATTRIBUTE.finditer(text, len(tag) + 1):
            if found[1].lower() == "href" and found[2]:
                url = unescape(found[2].strip("\"'")).strip()
                if len(url) <= LONGEST_URL and is_web_address(url):
                    self.places.append((start + found.start(2), start + found.end(2), url))
                # Of an attribute that is given twice the first counts.
                return
