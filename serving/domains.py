"""Domains of e-mail addresses in ASCII, as mail servers and providers know them: `xn--mller-kva.de` for `müller.de`."""

import idna


def in_ascii(domain: str) -> str:
    """Return a domain in ASCII and lower case (ValueError: it has no such form).

    By IDNA 2008 (RFC 5891) and what comes before it (UTS 46). Python's own codec is of 2003: for `straße.de` it writes
    `strasse.de`, and that is somebody else's.
    """
    if domain.isascii():
        return domain.encode("idna").decode().lower()
    return idna.encode(domain, uts46=True).decode()
