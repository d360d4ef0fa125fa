"""The links of a message that lead through this server: to unsubscribe, to tell of an opened message and of a click.

Two more are hidden: no person follows them, and a scanner that opens every link gives itself away by them.
"""

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
_TRAP: Final = '<a href="{url}" rel="nofollow" tabindex="-1" aria-hidden="true" style="display:none"></a>'
_PICTURE: Final = '<img src="{url}" width="1" height="1" alt="" style="display:none">'


def unsubscribe_url(base: str, token: str) -> str:
    """Return where people unsubscribe, on a page or with one click (RFC 8058); `base` is `Settings.links_base`."""
    return f"{base}/u/{token}"


def tracked(html: str, tokens: Tokens, message_id: str, *, base: str) -> str:
    """Return a message's HTML whose links tell of clicks, with a picture that tells that it was opened, and two traps.

    Links to unsubscribe by, to anything but web pages, of more than LONGEST_URL characters, and those that have the
    attribute `data-untracked` stay as they are. So does everything else, to the letter. The traps stand before the
    first link that tells of its click, and at the end; where there is no such link, there are none.

    Args:
        html: Of the message.
        tokens: Seals what the links say.
        message_id: Which message it is.
        base: `Settings.links_base`.
    """
    parts: list[str] = []
    done = 0
    for tag, start, end, url in _Links(html).places:
        if not url.startswith(f"{base}/"):
            if not parts:
                parts, done = [html[:tag], _trap(tokens, message_id, "first", base=base)], tag
            parts += [html[done:start], f'"{base}/c/{tokens.clicked(message_id, url)}"']
            done = end
    last = _trap(tokens, message_id, "last", base=base) if parts else ""
    text = "".join([*parts, html[done:]])
    picture = _PICTURE.format(url=f"{base}/o/{tokens.opened(message_id)}.gif")
    ends = list(_BODY_END.finditer(text))
    at = ends[-1].start() if ends else len(text)
    return text[:at] + last + picture + text[at:]


def _trap(tokens: Tokens, message_id: str, which: str, *, base: str) -> str:
    return _TRAP.format(url=f"{base}/c/{tokens.trapped(message_id, which)}")


def is_web_address(url: str) -> bool:
    """Whether a link leads to a page on the web, and so somewhere that a browser may be sent."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


class _Links(HTMLParser):
    """Finds links in a text: where each begins, start and end of the address in it with its quotes, and the address."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self.places: list[tuple[int, int, int, str]] = []
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
                    self.places.append((start, start + found.start(2), start + found.end(2), url))
                # Of an attribute that is given twice the first counts.
                return
