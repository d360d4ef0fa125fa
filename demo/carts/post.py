"""A mail server on this machine: keeps what it takes, and refuses mail for mailboxes that there are not."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import cached_property
from html.parser import HTMLParser
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from demo.process import free_port

READY_WITHIN_S = 10.0


@dataclass(frozen=True)
class Mail:
    """A mail as it came in.

    Attributes:
        to: Whose mailbox it is for.
        at: When it came, in seconds since the epoch.
        content: Its bytes.
    """

    to: str
    at: float
    content: bytes

    @cached_property
    def read(self) -> EmailMessage:
        """The mail, read."""
        return BytesParser(EmailMessage, policy=policy.default).parsebytes(self.content)

    @property
    def message_id(self) -> str:
        """The id of the message, as its sender knows it: what stands before the @ of its Message-ID."""
        return str(self.read["Message-ID"]).strip("<>").partition("@")[0]

    @property
    def subject(self) -> str:
        """What it is about."""
        return str(self.read["Subject"])

    @property
    def one_click(self) -> str:
        """Where one POST unsubscribes (RFC 8058)."""
        return str(self.read["List-Unsubscribe"]).strip("<>")

    @cached_property
    def html(self) -> str:
        """Its page."""
        part = self.read.get_body(("html",))
        return "" if part is None else str(part.get_content())

    @cached_property
    def links(self) -> list[str]:
        """Where all links of its page lead, in their order, those that nobody sees too."""
        return _Addresses.of(self.html)["href"]

    @cached_property
    def seen_links(self) -> list[str]:
        """Where those lead that people see."""
        return _Addresses.of(self.html)["seen"]

    @cached_property
    def pictures(self) -> list[str]:
        """Where the pictures of its page are."""
        return _Addresses.of(self.html)["src"]


class _Addresses(HTMLParser):
    """Finds the addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {"href": [], "src": [], "seen": []}

    @classmethod
    def of(cls, html: str) -> dict[str, list[str]]:
        """Return all addresses by the name of their attribute, in their order."""
        reader = cls()
        reader.feed(html)
        return reader.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the addresses of a tag."""
        told = {name: value or "" for name, value in attrs}
        for name in ("href", "src"):
            if told.get(name):
                self.found[name].append(told[name])
        if tag == "a" and "display:none" not in told.get("style", ""):
            self.found["seen"].append(told.get("href", ""))


@dataclass
class PostOffice:
    """The mail server, in a thread of its own; use it in a `with` block.

    Attributes:
        has_mailbox: Whether there is a mailbox of an address.
        mails: What came in, in its order, repeated ones too.
        refused: Addresses for which mail was refused.
    """

    has_mailbox: Callable[[str], bool]
    mails: list[Mail] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.port = free_port()
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, ready_timeout=READY_WITHIN_S, server_hostname="mail.example.com"
        )

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if not self.has_mailbox(address):
            self.refused.append(address)
            return "550 5.1.1 There is no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail."""
        content: Any = envelope.content
        at = time.time()
        self.mails += [Mail(to, at, bytes(content)) for to in envelope.rcpt_tos]
        return "250 OK"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()
