"""A mail server on a loopback port: keeps what it gets, and answers what it is told to."""

import asyncio
import email
import email.policy
import warnings
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.serving.receivers import free_port


@dataclass
class MailServer:
    """What came in, and what to answer; `port` is where it listens."""

    port: int = 0
    to_recipient: str = "250 OK"
    to_data: str = "250 OK"
    delay_s: float = 0.0
    mails: list = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    sessions: list[SMTP] = field(default_factory=list)

    @property
    def connected(self) -> int:
        """How many clients are connected at this moment."""
        return sum(each.transport is not None for each in self.sessions)

    def hang_up(self) -> None:
        """Drop all connections without a word, as a restarted server does."""
        for each in self.sessions:
            if each.transport is not None:
                each.transport.abort()

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        if self.to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        await asyncio.sleep(self.delay_s)
        self.raw.append(envelope.content)
        if self.to_data.startswith("250"):
            self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
            self.recipients.append(envelope.rcpt_tos)
        return self.to_data

    def authenticate(self, _server, _session, _envelope, _mechanism, data):
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password == b"s3cret-password", handled=False)


@asynccontextmanager
async def a_mail_server(*, login=False, tls=None, **told):
    """Run a mail server; with `login` it takes mail from whoever knows the password only, with `tls` after STARTTLS."""
    server = MailServer(**told)
    options = {"authenticator": server.authenticate, "auth_required": True, "auth_require_tls": False} if login else {}

    options |= {"tls_context": tls, "require_starttls": True} if tls else {}

    def speak():
        with warnings.catch_warnings():
            # It warns of passwords without TLS, which on loopback nobody overhears.
            warnings.simplefilter("ignore", UserWarning)
            session = SMTP(server, hostname="mail.test", **options)
        server.sessions.append(session)
        return session

    listening = await asyncio.get_running_loop().create_server(speak, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


@contextmanager
def in_a_thread(**told):
    """Run a mail server in a thread of its own, beside whatever else the test runs."""
    server = MailServer(port=free_port(), **told)
    controller = Controller(server, hostname="127.0.0.1", port=server.port)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
