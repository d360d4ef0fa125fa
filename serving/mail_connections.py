"""Connections to mail servers that stay open between mails: a handshake and a login cost more than a mail."""

import asyncio
import contextlib
import ssl
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, Self

import aiosmtplib
from aiosmtplib import errors

from serving.endpoints import Smtp

MOST_MAILS: Final = 100
"""Over one connection; servers that count hang up sooner or later, mostly at this number."""
IDLE_S: Final = 10.0
"""A connection that nothing went over for so long is closed: servers that are strict do it themselves after this."""
_SURE_S: Final = 1.0
"""After a shorter pause nobody asks first whether the server is still there: that is a round trip of five."""
_PROBE_S: Final = 2.0
_FAREWELL_S: Final = 1.0


class _Server(NamedTuple):
    """Whom a connection is to, and as whom: an endpoint of the same name may be another after its file was changed."""

    host: str
    port: int
    tls: str
    username: str | None
    password: str | None

    @classmethod
    def of(cls, endpoint: Smtp) -> Self:
        return cls(endpoint.host, endpoint.port, endpoint.tls, endpoint.username, endpoint.password)


@dataclass(slots=True)
class _Kept:
    client: aiosmtplib.SMTP
    mails: int = 0
    idle_since: float = 0.0


class MailConnections:
    """Those of one dispatcher, by server: never more than it has mails under way at the same time."""

    def __init__(self, *, timeout_s: float | None) -> None:
        """Open nothing yet; `timeout_s` is how long a mail server may take for one answer."""
        self._timeout_s = timeout_s
        self._idle: defaultdict[_Server, list[_Kept]] = defaultdict(list)
        self._sweeping: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def lent(self, endpoint: Smtp) -> AsyncIterator[aiosmtplib.SMTP]:
        """Lend a connection for one mail, kept or new; it is kept afterwards unless more than the mail failed.

        Raises:
            SMTPException: The server cannot be reached, or takes nothing.
        """
        kept = await self._waiting(endpoint) or await self._opened(endpoint)
        kept.mails += 1
        try:
            yield kept.client
        except (errors.SMTPRecipientsRefused, errors.SMTPDataError):
            # Only this mail was refused, and the client has taken it back.
            await self._keep(endpoint, kept)
            raise
        except BaseException:
            # Cancelled in the middle of a mail, it would take the next one for the rest of this.
            kept.client.close()
            raise
        else:
            await self._keep(endpoint, kept)

    async def close(self) -> None:
        """Take leave of all servers."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        left = [each for kept in self._idle.values() for each in kept]
        self._idle.clear()
        await asyncio.gather(*(_leave(each.client) for each in left))

    async def _waiting(self, endpoint: Smtp) -> _Kept | None:
        """Return the connection used last, if its server is still there."""
        idle = self._idle[_Server.of(endpoint)]
        if not idle:
            return None
        kept = idle.pop()
        if time.monotonic() - kept.idle_since < _SURE_S and kept.client.is_connected:
            return kept
        try:
            await kept.client.rset(timeout=_PROBE_S)
        except (errors.SMTPException, OSError, TimeoutError):
            # Whatever ended this one, a restart or a silent firewall, hardly spared those that waited longer.
            for each in (kept, *idle):
                each.client.close()
            idle.clear()
            return None
        except BaseException:
            kept.client.close()
            raise
        return kept

    async def _opened(self, endpoint: Smtp) -> _Kept:
        client = aiosmtplib.SMTP(
            hostname=endpoint.host,
            port=endpoint.port,
            username=endpoint.username,
            password=endpoint.password,
            use_tls=endpoint.tls == "tls",
            start_tls=endpoint.tls == "starttls",
            tls_context=None if endpoint.tls == "none" else self._trust,
            timeout=self._timeout_s,
        )
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        return _Kept(client)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        # Reading the certificates of all authorities takes longer than a mail: once.
        return ssl.create_default_context()

    async def _keep(self, endpoint: Smtp, kept: _Kept) -> None:
        if kept.mails >= MOST_MAILS or not kept.client.is_connected:
            await _leave(kept.client)
            return
        kept.idle_since = time.monotonic()
        self._idle[_Server.of(endpoint)].append(kept)
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.create_task(self._sweep())

    async def _sweep(self) -> None:
        """Close what is idle for long, until nothing is."""
        while any(self._idle.values()):
            await asyncio.sleep(IDLE_S / 4)
            before = time.monotonic() - IDLE_S
            left = []
            for server, idle in self._idle.items():
                left += [each for each in idle if each.idle_since <= before]
                self._idle[server] = [each for each in idle if each.idle_since > before]
            await asyncio.gather(*(_leave(each.client) for each in left))


async def _leave(client: aiosmtplib.SMTP) -> None:
    # Whatever was taken is taken, however the server says good-bye.
    with contextlib.suppress(errors.SMTPException, OSError, TimeoutError):
        if client.is_connected:
            await asyncio.wait_for(client.quit(), _FAREWELL_S)
    client.close()
