"""What the file does not say of its visitors, made up by a hash of who they are, so that each run is the same.

Addresses are of a domain that is reserved for examples (RFC 2606): nobody has one.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

DOMAIN: Final = "example.com"
AGREED: Final = {"yes": 0.8, "no": 0.1, "did not say": 0.1}
"""What visitors answered when they were asked whether the shop may write to them."""
MAILBOXES: Final = {"read": 0.72, "scanned": 0.16, "full": 0.06, "gone": 0.06}
"""What becomes of a mail: a person gets it, a gateway opens all its links first, the mailbox bounces, there is none."""
READS: Final = {"nothing": 0.4, "opens": 0.3, "clicks": 0.16, "unsubscribes": 0.13, "complains": 0.01}
"""What a person does with a mail."""


def user_id(visitor: str) -> str:
    """Return the id that a visitor has once it is known who they are."""
    return f"gms-{visitor}"


def address(visitor: str) -> str:
    """Return the made-up address of a visitor."""
    return f"visitor-{visitor}@{DOMAIN}"


def visitor_of(written: str) -> str:
    """Return whose an address, or an id with or without `gms-`, is."""
    return written.partition("@")[0].removeprefix("visitor-").removeprefix("gms-")


def drawn(shares: Mapping[str, float], *about: str) -> str:
    """Return one of these words, each as often as its share says; for the same words always the same."""
    position = _position(about)
    for word, share in shares.items():
        position -= share
        if position < 0:
            return word
    return next(reversed(list(shares)))


def _position(about: Sequence[str]) -> float:
    digest = blake2b("\n".join(about).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def mailbox(visitor: str) -> str:
    """Return what becomes of mails to a visitor: one of MAILBOXES."""
    return drawn(MAILBOXES, "mailbox", visitor)


def minutes(visitor: str, subject: str) -> int:
    """Return after how many minutes a person looks at a mail: 2 to 90."""
    return 2 + int(_position(("minutes", visitor, subject)) * 88)
