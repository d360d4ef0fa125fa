"""Pools of codes: each code once, the same one for all messages of a sequence, whoever else takes meanwhile."""

import json
import subprocess
import sys

import pytest

from policy.codes import Codes
from serving.codes import Added, Code, EndlessPools, Holder, Pool, StoredPools, add, empty_pools, pools
from serving.database import for_writing, open_database
from serving.erasure import erase
from serving.export import export, look_up
from serving.retention import kinds
from serving.settings import Settings
from tests.conftest import ROOT
from tests.serving.databases import NOW, SECOND, connection, database
from tests.serving.engines import START, event, shops

__all__ = ["connection", "database", "shops"]
DAY = 86_400 * SECOND
SPRING = Codes(pool="spring")
TAKEN = StoredPools()


def holder(seq, key="", trigger="t"):
    return Holder(seq, trigger, key, user_no=7)


def filled(connection, *codes, pool="spring", expires_at=None):
    return add(connection, pool, [Code(each, expires_at) for each in codes], at=NOW)


def take(connection, seq, at=NOW, codes=SPRING, **who):
    found = TAKEN.take(connection, codes, holder(seq, **who), at=at)
    return found and found.code


def test_each_gets_another_code_until_none_is_left(connection):
    filled(connection, "a", "b")

    assert [take(connection, seq) for seq in (1, 2, 3)] == ["a", "b", None]
    assert pools(connection, at=NOW) == [Pool("spring", 0, 2, 0, NOW)]


def test_all_messages_of_a_sequence_carry_the_same_code(connection):
    filled(connection, "a", "b", "c", "d")

    assert take(connection, 1) == take(connection, 1, at=NOW + 30 * DAY) == "a"
    assert take(connection, 1, key="cart-2") == "b"
    assert take(connection, 1, trigger="other") == "c"
    assert take(connection, 1, codes=Codes(pool="else")) is None


def test_a_code_that_expired_meanwhile_gives_way_to_another(connection):
    filled(connection, "a", expires_at=NOW + 2 * DAY)
    filled(connection, "b")

    assert take(connection, 1) == "a"
    assert take(connection, 1, at=NOW + 2 * DAY - 1) == "a"
    assert take(connection, 1, at=NOW + 2 * DAY) == "b"
    assert take(connection, 1, at=NOW + 3 * DAY) == "b"


def test_what_expires_first_goes_first_and_what_is_not_good_for_long_enough_is_not_handed_out(connection):
    filled(connection, "for ever")
    filled(connection, "late", expires_at=NOW + 9 * DAY)
    filled(connection, "soon", expires_at=NOW + 2 * DAY)
    filled(connection, "too soon", expires_at=NOW + DAY)

    assert [take(connection, seq) for seq in range(1, 5)] == ["soon", "late", "for ever", None]
    assert take(connection, 9, codes=Codes(pool="spring", valid_for="0 min")) == "too soon"
    assert pools(connection, at=NOW + 9 * DAY)[0] == Pool("spring", 0, 4, 0, NOW)


def test_a_code_tells_until_when_it_is_good(connection):
    filled(connection, "a", expires_at=1_767_225_600 * SECOND)

    assert TAKEN.take(connection, SPRING, holder(1), at=NOW).told() == {
        "code": "a",
        "code_expires_at": "2026-01-01T00:00:00Z",
    }
    assert Code("b").told() == {"code": "b", "code_expires_at": None}


def test_adding_again_adds_nothing_and_what_is_another_pools_stays_there(connection):
    assert filled(connection, "a", "b", "a") == Added(2, 0, [])
    assert filled(connection, "b", "c", pool="summer") == Added(1, 0, ["b"])
    take(connection, 1)

    assert filled(connection, "a", "b", expires_at=NOW + DAY) == Added(0, 2, [])
    # What was handed out keeps its promise.
    found = connection.exec_driver_sql("SELECT code FROM codes WHERE expires_at = ?", (NOW + DAY,)).scalars()
    assert found.all() == ["b"]


def test_pools_tell_what_is_left_by_name(connection):
    filled(connection, "a", "b", "c")
    filled(connection, "d", expires_at=NOW, pool="old")
    take(connection, 1)
    add(connection, "spring", [Code("a"), Code("e")], at=NOW + DAY)

    assert pools(connection, at=NOW) == [Pool("old", 0, 0, 1, NOW), Pool("spring", 3, 1, 0, NOW + DAY)]


def test_what_was_not_committed_was_not_handed_out(database):
    with for_writing(database).begin() as opened:
        filled(opened, "a")
    with for_writing(database).connect() as opened, opened.begin() as transaction:
        assert take(opened, 1) == "a"
        transaction.rollback()
    with for_writing(database).begin() as opened:
        assert take(opened, 2) == "a"


def test_whoever_rehearses_never_runs_out_and_takes_nothing(connection):
    filled(connection, "a")

    assert EndlessPools().is_left(connection, SPRING, at=NOW)
    assert EndlessPools().take(connection, SPRING, holder(1), at=NOW).code == "YOUR-CODE"
    assert take(connection, 1) == "a"


TAKER = """
import json, sys, threading
from pathlib import Path
from policy.codes import Codes
from serving.codes import Holder, StoredPools
from serving.database import for_writing, open_database

file, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
database = for_writing(open_database(file))
found = {}

def work(seqs):
    for seq in seqs:
        with database.begin() as connection:
            code = StoredPools().take(connection, Codes(pool="spring"), Holder(seq, "t", "", seq), at=1)
        found[seq] = code and code.code

print("ready", flush=True)
sys.stdin.readline()
threads = [threading.Thread(target=work, args=(range(first + n, first + count, 4),)) for n in range(4)]
for each in threads: each.start()
for each in threads: each.join()
database.dispose()
print(json.dumps(found))
"""


def test_two_processes_of_four_threads_hand_each_code_out_once(tmp_path):
    opened = open_database(tmp_path / "opportune.db")
    with for_writing(opened).begin() as connection:
        filled(connection, *(f"c{n}" for n in range(100)))
    opened.dispose()
    command = [sys.executable, "-c", TAKER, str(tmp_path / "opportune.db")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    # 0 to 79 and 40 to 119: together 120 ask for a hundred codes, forty of them twice.
    takers = [subprocess.Popen([*command, str(first), "80"], **pipes) for first in (0, 40)]
    for each in takers:
        assert each.stdout.readline() == "ready\n"
    for each in takers:
        each.stdin.write("\n")
        each.stdin.flush()
    one, other = (json.loads(each.communicate(timeout=120)[0]) for each in takers)

    # Whoever asks second for the same is told the same.
    assert all(one[seq] == other[seq] for seq in one.keys() & other.keys())
    given = [code for code in (one | other).values() if code is not None]
    assert len(one | other) == 120
    assert sorted(given) == sorted(f"c{n}" for n in range(100))


POLICY = """
triggers:
- name: t
  on: Product Added
  threshold: 0
  cool_down: 1h
  hold_out: {hold_out}
  mode: {mode}
  guards: {{consent: none}}
  channel: {{together: [email, sms]}}
  codes: {{pool: spring, if_empty: {if_empty}}}
  steps: [{{after: 24h}}]
"""
DECIDED = (
    "SELECT u.user_key, d.step, d.action, d.reason FROM decisions d JOIN users u USING (user_no) ORDER BY d.at, d.rowid"
)


@pytest.fixture
def opened(shops):
    def open_one(*codes, mode="live", if_empty="hold", hold_out=0):
        shop = shops(POLICY.format(mode=mode, if_empty=if_empty, hold_out=hold_out))
        with for_writing(shop.database).begin() as connection:
            filled(connection, *codes)
        return shop

    return open_one


def added(user, at=0.0, **fields):
    return event("Product Added", user, at, properties={"product_id": "p", **fields})


def bodies(shop):
    """Who was told which code at which step and on which channel."""
    found = [json.loads(body)["data"] for (body,) in shop.rows("SELECT body FROM outbox ORDER BY rowid")]
    return [(each["user_id"], each["step"], each["channel"], each.get("code")) for each in found]


async def test_all_channels_and_the_reminder_carry_the_code_of_the_first_message(opened):
    shop = opened("a", "b")
    await shop.engine.ingest([added("u"), added("v")])
    await shop.until(25 * 3600)

    assert bodies(shop) == [
        ("u", 0, "email", "a"),
        ("u", 0, "sms", "a"),
        ("v", 0, "email", "b"),
        ("v", 0, "sms", "b"),
        ("u", 1, "email", "a"),
        ("u", 1, "sms", "a"),
        ("v", 1, "email", "b"),
        ("v", 1, "sms", "b"),
    ]


async def test_an_event_that_comes_again_takes_no_second_code_and_a_new_sequence_does(opened):
    shop = opened("a", "b")
    await shop.engine.ingest([added("u")])
    await shop.engine.ingest([added("u")])
    await shop.engine.ingest([added("u", 7200)])

    assert [code for _, _, channel, code in bodies(shop) if channel == "email"] == ["a", "b"]


async def test_an_empty_pool_holds_and_the_next_event_asks_again(opened):
    shop = opened("a")
    await shop.engine.ingest([added("u"), added("v")])
    with for_writing(shop.database).begin() as connection:
        filled(connection, "b")
    await shop.engine.ingest([added("v", 60)])

    assert shop.rows(DECIDED) == [
        ("u", 0, "send", "sent"),
        ("v", 0, "hold", "no_code"),
        ("v", 0, "send", "sent"),
    ]
    assert shop.rows("SELECT count(*) FROM cooldowns") == [(2,)]


async def test_an_empty_pool_sends_without_where_the_trigger_says_so(opened):
    shop = opened(if_empty="send_without")
    await shop.engine.ingest([added("u")])

    assert bodies(shop) == [("u", 0, "email", None), ("u", 0, "sms", None)]
    assert "code" not in json.loads(shop.rows("SELECT body FROM outbox")[0][0])["data"]


@pytest.mark.parametrize(
    ("mode", "hold_out", "decided"), [("dry_run", 0, ("hold", "dry_run")), ("live", 0.999, ("control", "control"))]
)
async def test_nothing_is_handed_out_where_nothing_is_sent(opened, mode, hold_out, decided):
    shop = opened("a", mode=mode, hold_out=hold_out)
    await shop.engine.ingest([added("u")])
    with for_writing(shop.database).begin() as connection:
        assert [each[:4] for each in pools(connection, at=START)] == [("spring", 1, 0, 0)]
        connection.exec_driver_sql("DELETE FROM codes")
    await shop.engine.ingest([added("v")])

    # An empty pool holds back both arms alike, and a rehearsal says so.
    assert shop.rows(DECIDED) == [("u", 0, *decided), ("v", 0, "hold", "no_code")]


@pytest.mark.parametrize(("hold_out", "reason"), [(0, "sent"), (0.999, "control")])
async def test_a_pool_that_ran_empty_since_ends_the_sequence_in_neither_arm(opened, hold_out, reason):
    shop = opened("a", hold_out=hold_out)
    await shop.engine.ingest([added("u")])
    with for_writing(shop.database).begin() as connection:
        connection.exec_driver_sql("UPDATE codes SET handed_at = 1")
    await shop.until(25 * 3600)

    assert [(step, found) for _, step, _, found in shop.rows(DECIDED)] == [(0, reason), (1, reason)]


async def test_a_batch_that_fails_hands_out_nothing(opened, monkeypatch):
    shop = opened("a")

    def failing(*_args, **_more):
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("serving.outbox.enqueue", failing)
        with pytest.raises(Exception, match="disk"):
            await shop.engine.ingest([added("u")])
    with shop.database.connect() as connection:
        assert [each[:4] for each in pools(connection, at=START)] == [("spring", 1, 0, 0)]
    await shop.engine.ingest([added("u")])

    assert [code for *_, code in bodies(shop)] == ["a", "a"]


async def test_an_empty_pool_is_told_of_triggers_that_really_send(opened):
    shop, rehearsed = opened("a"), opened("a", mode="dry_run")

    def told(shop):
        with shop.database.connect() as connection:
            return list(empty_pools(connection, shop.tools.policy, at=START + 3600 * SECOND))

    assert told(shop) == []
    await shop.engine.ingest([added("u")])
    assert told(shop) == ["the pool spring has no code left for the trigger t: nothing is sent"]
    assert told(rehearsed) == []


async def test_whoever_is_erased_leaves_a_code_that_is_never_handed_out_again(opened):
    shop = opened("a", "b")
    await shop.engine.ingest([added("u"), added("v")])
    found, _, rejects = look_up(shop.database, "u")
    exported = json.loads(b"".join(export(shop.database, found, rejects, {"user_id": "u"})))
    with for_writing(shop.database).begin() as connection:
        erased = erase(connection, shop.tools, "u", rejects)
        again = filled(connection, "a", "b")

    assert [(each["code"], each["pool"], each["trigger"]) for each in exported["tables"]["code_holders"]] == [
        ("a", "spring", "t")
    ]
    assert erased.rows["code_holders"] == 1
    assert shop.rows("SELECT code FROM code_holders") == [("b",)]
    assert again == Added(0, 2, [])
    with shop.database.connect() as connection:
        assert [each[:4] for each in pools(connection, at=START)] == [("spring", 0, 2, 0)]


async def test_who_was_given_which_code_is_forgotten_with_old_decisions(opened):
    shop = opened("a")
    await shop.engine.ingest([added("u")])
    keeping = Settings(home=shop.home, keep_decisions_days=30)
    [kind] = [each for each in kinds(keeping, lambda: 0) if each.name == "who was given which code"]
    with for_writing(shop.database).begin() as connection:
        assert kind.forget(connection, before=START, at_once=10) == 0
        assert kind.forget(connection, before=START + DAY, at_once=10) == 1

    assert kind.days() == 30
    assert shop.rows("SELECT count(*) FROM code_holders") == [(0,)]
    assert shop.rows("SELECT handed_at IS NOT NULL FROM codes") == [(1,)]
