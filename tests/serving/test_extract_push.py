"""Tables sent to a receiver that verifies every signature: each row once, in messages that it has room for."""

import asyncio
import json

import pytest

from serving import extract_push
from serving.extract_files import main
from serving.extracts import EXTRACTS, read
from tests.serving.engines import event, one_by_one
from tests.serving.receivers import SECRET, receiving
from tests.serving.test_extracts import shop, shops

__all__ = ["shop", "shops"]


@pytest.fixture
def pushing(shop, monkeypatch, capsys):
    """Push a table to a receiver by the command; return its status and what it said."""
    monkeypatch.setattr(extract_push, "PAUSES_S", (0.0, 0.01, 0.01))
    monkeypatch.setenv("OPPORTUNE_HOME", str(shop.home))

    async def push(what, receiver, *more):
        hooks = {"crm": {"url": receiver.url, "secret": SECRET}}
        monkeypatch.setenv("OPPORTUNE_WEBHOOKS", json.dumps(hooks))
        status = await asyncio.to_thread(main, [what, "--endpoint", "crm", *more])
        return status, "".join(capsys.readouterr())

    return push


def whole(shop, what):
    return [row["user_id"] or row["anonymous_id"] for page in read(shop.database, EXTRACTS[what]) for _, row in page]


def received(receiver):
    return [row["user_id"] or row["anonymous_id"] for body in receiver.bodies for row in body["data"]["rows"]]


@pytest.mark.parametrize("what", ["scores", "segments", "decisions"])
async def test_a_table_arrives_signed(shop, pushing, what):
    async with receiving() as receiver:
        status, said = await pushing(what, receiver)

    expected = whole(shop, what)
    assert (status, said) == (0, f"{len(expected)} rows in 1 messages sent to crm\n")
    assert received(receiver) == expected
    (body,) = receiver.bodies
    assert body["type"] == f"{what}.exported"
    assert {*body["data"]["rows"][0]} == {*EXTRACTS[what].columns}
    moment = "since" if what == "segments" else "at"
    assert body["data"]["rows"][0][moment].endswith("Z")


async def test_what_was_sent_is_not_sent_again(shop, pushing):
    async with receiving() as receiver:
        await pushing("decisions", receiver)
        await one_by_one(shop, event("Product Added", "eve", 50))
        await shop.engine.flush()
        _, said = await pushing("decisions", receiver)
        await pushing("decisions", receiver)

    assert said == "1 rows in 1 messages sent to crm\n"
    assert received(receiver) == whole(shop, "decisions")
    assert received(receiver)[-1] == "eve"


async def test_who_is_in_segments_is_sent_each_time(shop, pushing):
    async with receiving() as receiver:
        await pushing("segments", receiver)
        await pushing("segments", receiver)

    assert received(receiver) == whole(shop, "segments") * 2
    # Nothing changed in between, so whoever takes an id once only has it once.
    assert len({*receiver.ids}) == 1


async def test_a_long_table_comes_in_messages_below_twenty_kilobytes(shop, pushing):
    with shop.database.begin() as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
            " INSERT INTO evaluations (decision_id, user_no, seq, at, catalogue, scores, models, answered_at)"
            """ SELECT printf('%016x', i), 1, 1, i, 'c', '{"24h": 0.5, "7d": null, "30d": 0.7}',"""
            """ '{"24h": "m/1", "30d": "n/2"}', i FROM n"""
        )
    async with receiving() as receiver:
        status, said = await pushing("scores", receiver)

    assert status == 0
    assert said.startswith("1,003 rows in ")
    assert len({*receiver.ids}) == len(receiver.ids) > 5
    sizes = [len(json.dumps(body, separators=(",", ":"))) for body in receiver.bodies]
    assert max(sizes) < 20_000
    # As few messages as that takes: all but the last are nearly full.
    assert min(sizes[:-1]) > 19_000
    rows = [(row["decision_id"], row["horizon"]) for body in receiver.bodies for row in body["data"]["rows"]]
    assert len({*rows}) == len(rows) == 1003
    # Both horizons of a score come together.
    assert all(len(body["data"]["rows"]) % 2 == 0 for body in receiver.bodies[:-1])


async def test_a_receiver_that_fails_is_asked_again_under_the_same_id_and_goes_on_where_it_stopped(shop, pushing):
    async with receiving(503, 503, 503, 500, 204) as receiver:
        status, said = await pushing("decisions", receiver)
        assert (status, len(receiver.ids)) == (1, 3)
        assert "the receiver answered 503; the next push goes on there" in said
        status, _ = await pushing("decisions", receiver)

    assert status == 0
    assert len({*receiver.ids}) == 1
    assert len(receiver.ids) == 5


async def test_a_receiver_that_is_gone_is_not_asked_again(shop, pushing):
    async with receiving(410) as receiver:
        status, _ = await pushing("decisions", receiver)

    assert (status, len(receiver.ids)) == (1, 1)


async def test_only_webhooks_of_the_configuration_get_anything(shop, pushing):
    async with receiving() as receiver:
        status, said = await pushing("decisions", receiver, "--endpoint", "elsewhere")

    assert (status, receiver.ids) == (1, [])
    assert said == "export: there is no endpoint of type webhook named elsewhere\n"


async def test_what_may_be_larger_than_a_message_is_none(pushing):
    async with receiving() as receiver:
        status, said = await pushing("profiles", receiver)

    assert (status, receiver.ids) == (1, [])
    assert said == "export: profiles are written to files only: one of them may be larger than a message\n"
