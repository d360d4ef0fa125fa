"""HTTP/1.1 for clients that would rather speak HTTP/2: their offer is declined, and their request answered."""

import re

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_BEGINNING = re.compile(rb"[A-Z]+ \S+ HTTP/1\.1\r\n")
_OFFER = re.compile(rb"\r\n(?:upgrade|http2-settings):[^\r\n]*", re.IGNORECASE)
_FAR_ENOUGH = 4096


class Http1(HttpToolsProtocol):
    """uvicorn's protocol, which drops the body of a request with `Upgrade: h2c`, as Java's client sends on its own."""

    def data_received(self, data: bytes) -> None:
        """Take what came in."""
        if data.find(b"h2c", 0, _FAR_ENOUGH) >= 0 and _BEGINNING.match(data):
            head, blank, body = data.partition(b"\r\n\r\n")
            data = _OFFER.sub(b"", head) + blank + body
        super().data_received(data)
