"""An e-mail as bytes: plain text and HTML, the headers that mail programs ask for, and the same again at each retry."""

import re
from binascii import b2a_qp
from collections.abc import Iterator
from datetime import UTC, datetime
from email.headerregistry import Address, HeaderRegistry
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Final

from serving.domains import in_ascii
from serving.rendered import Rendered

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}")
_OURS: Final = frozenset(
    {"from", "to", "cc", "bcc", "reply-to", "sender", "subject", "date", "message-id", "return-path", "received"}
)
"""Headers that no rendering may set; besides those of MIME."""
_LONGEST_LINE: Final = 990
_HEADERS: Final = HeaderRegistry()
_BODY: Final = re.compile(r"<body\b[^>]*>", re.IGNORECASE)


class NoEmail(ValueError):
    """A message cannot be sent as an e-mail, now or ever."""


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
        found = Address(name, addr_spec=f"{local}@{in_ascii(domain)}")
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
    headers = [("From", str(sender)), ("To", str(to))]
    if reply_to is not None:
        headers.append(("Reply-To", str(reply_to)))
    headers += [
        ("Subject", " ".join((rendered.subject or "").split())),
        ("Date", format_datetime(datetime.fromtimestamp(at // 1_000_000, UTC))),
        ("Message-ID", f"<{message_id}@{sender.domain}>"),
        *_further(rendered),
        ("MIME-Version", "1.0"),
    ]
    return b"".join([*(_header(name, value) for name, value in headers), *_parts(rendered, message_id)])


def _further(rendered: Rendered) -> Iterator[tuple[str, str]]:
    for name, value in rendered.headers.items():
        reserved = name.lower() in _OURS or name.lower().startswith(("content-", "mime-", "resent-"))
        if _NAME.fullmatch(name) and not reserved:
            yield name, " ".join(value.split())


def _header(name: str, value: str) -> bytes:
    """Return a header's lines. What is ASCII stays on one: folded, a long link would no longer be one."""
    line = f"{name}: {value}"
    if line.isascii() and line.isprintable() and len(line) <= _LONGEST_LINE:
        return line.encode() + b"\r\n"
    # Python's own encoder, which is thorough and slow: by far most headers need none.
    folded: str = _HEADERS(name, value).fold(policy=SMTP)
    return folded.encode("ascii", "surrogateescape")


def _parts(rendered: Rendered, message_id: str) -> Iterator[bytes]:
    """Yield what follows the headers: one part, or both as alternatives, the better one last (RFC 2046, 5.1.4)."""
    html = page(rendered)
    parts = [_part(kind, said) for kind, said in (("plain", rendered.text), ("html", html)) if said]
    if len(parts) == 1:
        yield parts[0]
        return
    # Drawn by lot, it would make each attempt another message.
    boundary = f"=_{message_id}"
    yield f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'.encode()
    for each in parts:
        yield f"--{boundary}\r\n".encode() + each
    yield f"--{boundary}--\r\n".encode()


def _part(kind: str, said: str) -> bytes:
    """Return a text with its headers, quoted-printable, each line ending as SMTP wants it."""
    text = said.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
    # Half a surrogate pair is no character; the rest of the message is not lost for it.
    quoted = b2a_qp(text.encode("utf-8", "replace"), istext=True).replace(b"\n", b"\r\n")
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    return head.encode() + quoted + b"\r\n"
