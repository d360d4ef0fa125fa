"""A provider on this machine: takes the triggers, and believes only what is signed."""

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message as it came in.

    Attributes:
        message_id: Its id, the same each time that it comes in.
        at: When, in seconds since the epoch.
        body: What came.
    """

    message_id: str
    at: float
    body: bytes


class Receiver:
    """Keeps messages by what their signature says; use it in a `with` block."""

    def __init__(self, secret: str) -> None:
        self._webhook = Webhook(secret)
        self._lock = threading.Lock()
        self.verified: set[str] = set()
        """Ids of the messages whose signature was right; a repeated one counts once."""
        self.receipts: list[Receipt] = []
        """All of them as they came in, repeated ones too."""
        self.forged = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            """Answers one POST."""

            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Take a message."""
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(204 if receiver.take(body, dict(self.headers)) else 401)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep the screen clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Asked so often whether it is to stop, it stops at once.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Where messages are taken."""
        return f"http://127.0.0.1:{self._server.server_port}/messages"

    def take(self, body: bytes, headers: dict[str, str]) -> bool:
        """Return whether the signature is right."""
        named = {name.lower(): value for name, value in headers.items()}
        try:
            self._webhook.verify(body, named)
        except (WebhookVerificationError, ValueError):  # the second where a signature is not even of the right form
            with self._lock:
                self.forged += 1
            return False
        with self._lock:
            self.verified.add(named["webhook-id"])
            self.receipts.append(Receipt(named["webhook-id"], time.time(), body))
        return True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
