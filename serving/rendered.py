"""What a message says once its templates are filled in, as everything that delivers it is given it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

if TYPE_CHECKING:
    from serving.claims import Claim


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message in words; what it does not say on a channel is None.

    Attributes:
        to: The person's address on the message's channel.
        subject: Of an e-mail; a push message's title.
        preheader: What a mail program shows beside the subject.
        text: The plain part of an e-mail.
        html: The other part of it.
        sms: The text of an SMS.
        push: The text of a push message.
        headers: What an e-mail carries besides, such as List-Unsubscribe.
        json: Anything else that a provider is to be given.
    """

    to: str | None = field(default=None, repr=False)
    subject: str | None = None
    preheader: str | None = None
    text: str | None = None
    html: str | None = None
    sms: str | None = None
    push: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Any = None


@dataclass(frozen=True, slots=True)
class Unrenderable:
    """A message that cannot be put into words, and will never be.

    Attributes:
        reason: A word for it, such as `no_address`.
        detail: The place and what is wrong there, without anybody's data.
    """

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


Render = Callable[[Connection, Sequence["Claim"]], Mapping[str, Rendered | Unrenderable]]
"""Puts claimed messages into words, by their ids, in the transaction that claims them; the same again for a retry."""


def render_nothing(_connection: Connection, _claims: Sequence["Claim"]) -> Mapping[str, Rendered | Unrenderable]:
    """Have no words for any message."""
    return {}
