"""Domains of e-mail addresses in ASCII, as mail servers and providers know them: `xn--mller-kva.de` for `müller.de`.

By IDNA 2008 (RFC 5891), for which ß and ς are letters of their own. Python's own codec is of 2003: for `straße.de` it
writes `strasse.de`, and that is somebody else's.
"""

from typing import Final
from unicodedata import normalize

_OF_THEIR_OWN: Final = frozenset("ßς")
_JOINERS: Final = frozenset("\u200c\u200d")
"""Letters for some scripts, and nothing for the codec, which would leave them out."""
_LONGEST_LABEL: Final = 63


def in_ascii(domain: str) -> str:
    """Return a domain in ASCII and lower case (ValueError: it has no such form)."""
    if domain.isascii():
        return domain.encode("idna").decode().lower()
    return ".".join(_label(each) for each in domain.replace("。", ".").split("."))


def _label(label: str) -> str:
    # Letter by letter: at the end of a word Python makes ς of Σ.
    lower = normalize("NFC", "".join(each.lower() for each in label))
    if not label or _JOINERS & set(lower):
        raise ValueError("is no label of a domain")
    if not _OF_THEIR_OWN & set(lower):
        return label.encode("idna").decode().lower()
    found = f"xn--{lower.encode('punycode').decode()}"
    if len(found) > _LONGEST_LABEL:
        raise ValueError("has a label of more than 63 letters")
    return found
