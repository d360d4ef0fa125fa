"""The file endpoint and erasure at the same time: whichever comes first, nobody who was erased is in the file."""

import asyncio
import json
import threading

import pytest

from serving import outbox
from serving.claims import Claim
from serving.courier_file import GONE, alone_in, write_line
from serving.database import for_writing
from serving.endpoints import Lines
from serving.erasure_files import Files
from serving.mentions import Mentions
from serving.message import Message
from tests.serving.databases import NOW, database

__all__ = ["database"]
CLAIM = Claim("msg_1", "staging", json.dumps({"data": {"user_id": "ada"}}), 1, NOW)


@pytest.fixture
def staging(tmp_path):
    return Lines("staging", tmp_path / "sent" / "messages.jsonl")


@pytest.fixture
def there(database):
    """Whether the outbox, which has the message, still holds it."""
    with database.begin() as connection:
        outbox.enqueue(connection, [Message("msg_1", "d1.cart", "staging", CLAIM.body, NOW)], at=NOW)

    def is_there(message_id):
        with database.connect() as connection:
            return outbox.holds(connection, message_id)

    return is_there


def erase(database, home):
    """Erase Ada as the server does: out of the database, then out of the files."""
    with for_writing(database).begin() as connection:
        connection.exec_driver_sql("DELETE FROM outbox")
    return Files(home, []).forget(Mentions(["ada"]), ["ada"])


def lines(staging):
    return staging.path.read_text().splitlines() if staging.path.exists() else []


async def test_a_message_that_was_claimed_before_its_person_was_erased_is_not_written(
    database, staging, there, tmp_path
):
    erase(database, tmp_path)

    answer = await write_line(CLAIM, staging, NOW, there)

    assert (answer.refused, answer.error) == (True, GONE)
    assert lines(staging) == []


async def test_a_line_that_is_being_written_is_waited_for_and_taken_out(database, staging, there, tmp_path):
    asked, go_on = threading.Event(), threading.Event()

    def slowly(message_id):
        found = there(message_id)
        asked.set()
        go_on.wait(10)
        return found

    writing = asyncio.create_task(write_line(CLAIM, staging, NOW, slowly))
    assert await asyncio.to_thread(asked.wait, 10)
    erasing = asyncio.create_task(asyncio.to_thread(erase, database, tmp_path))
    done, _ = await asyncio.wait([erasing], timeout=0.2)
    assert not done
    go_on.set()

    assert (await writing).status_code == 200
    assert await erasing == ["sent/messages.jsonl"]
    assert lines(staging) == []


async def test_a_line_that_comes_while_the_file_is_swept_is_not_lost(staging, there):
    with alone_in(staging.path.parent):
        writing = asyncio.create_task(write_line(CLAIM, staging, NOW, there))
        done, _ = await asyncio.wait([writing], timeout=0.2)
        assert not done
        # As the sweep does it: whoever had the old file open would write where nobody reads.
        staging.path.with_suffix(".fresh").write_text("of another\n")
        staging.path.with_suffix(".fresh").replace(staging.path)
    await writing

    assert [line[:10] for line in lines(staging)] == ["of another", '{"message_']


async def test_whoever_gives_up_waiting_leaves_no_lock_behind(staging, there):
    with alone_in(staging.path.parent), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await write_line(CLAIM, staging, NOW, there)
    async with asyncio.timeout(10):
        await write_line(CLAIM, staging, NOW, there)

    assert 1 <= len(lines(staging)) <= 2
