"""Connections to a mail server are kept between mails, never trusted blindly, and given up in time."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiosmtplib import errors

from serving import mail_connections
from serving.mail_connections import MailConnections
from tests.serving.mail_servers import a_mail_server
from tests.serving.test_courier_smtp import mail_to

LETTER = b"Subject: x\r\n\r\nHello\r\n"


@asynccontextmanager
async def connections():
    opened = MailConnections(timeout_s=5.0)
    try:
        yield opened
    finally:
        await opened.close()


async def send(opened, server, to="ada@example.com"):
    async with opened.lent(mail_to(server)) as client:
        await client.sendmail("news@shop.example", [to], LETTER)


async def until(holds):
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.01)


async def test_mails_one_after_the_other_share_a_connection():
    async with a_mail_server() as server, connections() as opened:
        for _ in range(5):
            await send(opened, server)

        assert len(server.sessions) == 1
    assert len(server.mails) == 5


async def test_mails_at_the_same_time_have_one_each_and_no_more_than_there_were_at_once():
    async with a_mail_server(delay_s=0.1) as server, connections() as opened:
        for _ in range(3):
            await asyncio.gather(*(send(opened, server) for _ in range(4)))

        assert len(server.sessions) == 4
    assert len(server.mails) == 12


async def test_a_refused_mail_spoils_nothing_for_the_next_one():
    async with a_mail_server(to_recipient="550 No such user") as server, connections() as opened:
        with pytest.raises(errors.SMTPRecipientsRefused):
            await send(opened, server)
        server.to_recipient, server.to_data = "250 OK", "554 Looks like spam"
        with pytest.raises(errors.SMTPDataError):
            await send(opened, server)
        server.to_data = "250 OK"
        await send(opened, server, "bob@example.com")

        assert len(server.sessions) == 1
    assert server.recipients == [["bob@example.com"]]


async def test_a_mail_that_was_given_up_half_way_takes_its_connection_with_it():
    async with a_mail_server(delay_s=0.5) as server, connections() as opened:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await send(opened, server)
        server.delay_s = 0.0
        await send(opened, server, "bob@example.com")

        assert len(server.sessions) == 2
        assert server.recipients[-1] == ["bob@example.com"]


async def test_a_server_that_was_restarted_meanwhile_gets_its_mail_over_a_new_connection(monkeypatch):
    monkeypatch.setattr(mail_connections, "_SURE_S", 0.0)
    async with a_mail_server() as server, connections() as opened:
        await asyncio.gather(*(send(opened, server) for _ in range(3)))
        server.hang_up()
        await send(opened, server)

        assert len(server.mails) == 4
        assert server.connected == 1


async def test_an_endpoint_that_is_another_server_by_now_gets_nothing_over_an_old_connection():
    async with a_mail_server() as before, a_mail_server() as after, connections() as opened:
        await send(opened, before)
        # Both are called `mail`, as before and after its file was changed.
        assert mail_to(before).name == mail_to(after).name
        await send(opened, after)

        assert (len(before.mails), len(after.mails)) == (1, 1)


async def test_a_connection_is_given_up_after_so_many_mails_and_when_it_is_idle(monkeypatch):
    monkeypatch.setattr(mail_connections, "MOST_MAILS", 2)
    monkeypatch.setattr(mail_connections, "IDLE_S", 0.2)
    async with a_mail_server() as server, connections() as opened:
        for _ in range(5):
            await send(opened, server)
        assert len(server.sessions) == 3

        await until(lambda: server.connected == 0)
        await send(opened, server)
        assert server.connected == 1
    assert len(server.mails) == 6


async def test_whoever_stops_takes_leave():
    async with a_mail_server() as server:
        async with connections() as opened:
            await asyncio.gather(*(send(opened, server) for _ in range(3)))
            assert server.connected == 3
        await until(lambda: server.connected == 0)
