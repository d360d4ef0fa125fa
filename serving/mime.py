"""An e-mail as bytes: plain text and HTML, the headers that mail programs ask for, and the same again at each retry."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from html import escape
from typing import Any, Final

from serving.rendered import Rendered

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}")
_OURS: Final = frozenset(
    {"from", "to", "cc", "bcc", "reply-to", "sender", "subject", "date", "message-id", "return-path", "received"}
)
"""Headers that no rendering may set; besides those of MIME."""
_LONGEST_LINE: Final = 990
_BODY: Final = re.compile(r"<body\b[^>]*>", re.IGNORECASE)


class NoEmail(ValueError):
    """A message cannot be sent as an e-mail, now or ever."""


class _Policy(EmailPolicy):
    """As SMTP wants it, but a header of ASCII stays as it is: folded, a long link would no longer be one."""

    def fold(self, name: str, value: Any) -> str:
        """Return the header's lines."""
        line = f"{name}: {value}"
        return line + "\r\n" if line.isascii() and len(line) <= _LONGEST_LINE else super().fold(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Return the same as bytes."""
        return self.fold(name, value).encode("ascii", "surrogateescape")


_POLICY: Final = _Policy(linesep=SMTP.linesep, raise_on_defect=False)


def recipient(rendered: Rendered) -> Address:
    """Return whom a rendering is for (NoEmail: nobody, or somebody who has no address for a mail server)."""
    if not rendered.to:
        raise NoEmail("no_address: the message has no address")
    try:
        return address(rendered.to)
    except ValueError:
        raise NoEmail("no_address: what should be the address of the person is none") from None


def address(written: str, name: str = "") -> Address:
    """Return an address, its domain in ASCII; ValueError for what is none, or cannot be used everywhere."""
    local, at, domain = written.strip().rpartition("@")
    if not at or not local.isascii() or any(each.isspace() for each in written.strip()):
        raise ValueError("is no e-mail address")
    try:
        found = Address(name, addr_spec=f"{local}@{domain.encode('idna').decode()}")
    except Exception:  # noqa: BLE001 - the parser raises whatever it stumbles upon
        raise ValueError("is no e-mail address") from None
    if "." not in found.domain and found.domain != "localhost":
        raise ValueError("is no e-mail address: its domain is none")
    return found


def page(rendered: Rendered) -> str | None:
    """Return the HTML of an e-mail, its preheader hidden at the beginning, where mail programs look for it."""
    if not rendered.html or not rendered.preheader:
        return rendered.html
    hidden = f'<div style="display:none;max-height:0;overflow:hidden">{escape(rendered.preheader)}</div>'
    body = _BODY.search(rendered.html)
    at = body.end() if body else 0
    return rendered.html[:at] + hidden + rendered.html[at:]


def email(
    rendered: Rendered, to: Address, *, sender: Address, reply_to: Address | None, message_id: str, at: int
) -> bytes:
    """Write an e-mail.

    Args:
        rendered: What it says; text, HTML or both.
        to: Whom it is for.
        sender: Whom it is from.
        reply_to: Where answers go, if not there.
        message_id: Of the message; its Message-ID follows from it, so it is the same at each attempt.
        at: The moment of its Date in microseconds, the same at each attempt.

    Raises:
        NoEmail: It says nothing.
    """
    if not rendered.text and not rendered.html:
        raise NoEmail("no_content: the message has neither text nor html")
    written = EmailMessage(_POLICY)
    written["From"] = sender
    written["To"] = to
    if reply_to is not None:
        written["Reply-To"] = reply_to
    written["Subject"] = " ".join((rendered.subject or "").split())
    written["Date"] = format_datetime(datetime.fromtimestamp(at // 1_000_000, UTC))
    written["Message-ID"] = f"<{message_id}@{sender.domain}>"
    for name, value in _further(rendered):
        written[name] = value
    _fill(written, rendered, message_id)
    return written.as_bytes()


def _further(rendered: Rendered) -> Iterator[tuple[str, str]]:
    for name, value in rendered.headers.items():
        reserved = name.lower() in _OURS or name.lower().startswith(("content-", "mime-", "resent-"))
        if _NAME.fullmatch(name) and not reserved:
            yield name, " ".join(value.split())


def _fill(written: EmailMessage, rendered: Rendered, message_id: str) -> None:
    if rendered.text:
        written.set_content(rendered.text, cte="quoted-printable")
    html = page(rendered)
    if html and rendered.text:
        written.add_alternative(html, subtype="html", cte="quoted-printable")
        # Drawn by lot, it would make each attempt another message.
        written.set_boundary(f"=_{message_id}")
    elif html:
        written.set_content(html, subtype="html", cte="quoted-printable")
