"""From a hold-out to decisions by what the message adds: ledger, `make uplift`, registry, server, ledger, reasons."""

import asyncio
import contextlib
import io
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from shutil import copyfile

import numpy as np
import pytest

from policy.source import parse
from serving.champions import Champions
from serving.decisions import decisions_of
from serving.registry import Watcher
from serving.rehearsal import Constant, rehearsal
from serving.scorer import MEANINGS, scorer
from tests.models.bundles import change_manifest
from tests.models.uplifts import a_bundle
from tests.serving.engines import MAPPING, START
from training.decision_log import Ledger
from training.policy_value import main as judge
from training.uplift_learning import main as learn

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("children_preloaded")]
PEOPLE, OTHERS = 3000, 400
DAY_S = 86_400
WITHOUT, PERSUADED, PUT_OFF = 0.12, 0.4, 0.08
PRICED = ["--order-value", "20", "--contact-cost", "1", "--unsubscribe-cost", "20"]
POLICY = """
triggers:
  - name: warm-cart
    on: Product Added
    threshold: {threshold}
    cool_down: 1d
    hold_out: 50%
    mode: live
"""
BY_UPLIFT = POLICY.format(threshold="50%") + "    uplift: auto\n"
ROWS = """
SELECT model_version, score >= threshold, reason <> 'below_threshold', propensity FROM decisions
WHERE trigger_decision_id IN (SELECT value FROM json_each(?))
"""
numbers = count()


def event(name, user, at_s, **properties):
    sent = {"type": "track", "event": name, "userId": user, "messageId": f"m{next(numbers)}", "properties": properties}
    return sent | {"timestamp": START / 1e6 + at_s}


def shopping(user, at_s, *, looks_around):
    """Return what somebody does until something is in the cart: some look at much before, others at nothing."""
    views = [event("Product Viewed", user, at_s + i, product_id=f"p{i}") for i in range(5)] if looks_around else []
    return [*views, event("Product Added", user, at_s + 5, product_id="p")]


def looks_around(i):
    return i % 2 == 0


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def learned(home):
    """A home in which everybody was asked once, half of them held out, as `make uplift` leaves it; what it printed."""
    asyncio.run(lived(home / "opportune.db"))
    return printed(home, learn, "warm-cart", *PRICED)


async def lived(database):
    """Let people be asked by their threshold, and buy as the message makes them; leave the log behind."""
    drawn = np.random.default_rng(5).random(PEOPLE)
    models = scorer({"24h": Constant(0.1)}, MEANINGS)
    with rehearsal(parse(POLICY.format(threshold="0%")), models, mapping=MAPPING, start=START) as shop:
        asked = [shopping(f"u{i}", 10 * i, looks_around=looks_around(i)) for i in range(PEOPLE)]
        await shop.tell(*(each for events in asked for each in events))
        sent = {each.user_key for each in shop.decisions() if each.action == "send"}
        chances = [(PERSUADED if looks_around(i) else PUT_OFF) if f"u{i}" in sent else WITHOUT for i in range(PEOPLE)]
        buyers = [f"u{i}" for i in range(PEOPLE) if drawn[i] < chances[i]]
        orders = (event("Order Completed", each, 40_000 + i, order_id=each, total=40) for i, each in enumerate(buyers))
        await shop.tell(*orders)
        await shop.tell(event("Page Viewed", "last", 3 * DAY_S))
        copy(shop, database)


def copy(shop, file):
    """Copy the log of a shop that goes on, with what is still in its write-ahead log."""
    with closing(sqlite3.connect(shop.database.url.database)) as connection:
        connection.execute("VACUUM INTO ?", (str(file),))


@dataclass
class Served:
    """What a server decides that took up the model."""

    uplifts: dict
    made: list
    told: list
    rows: list


@pytest.fixture(scope="module")
def served(home, learned):
    Watcher(home).look()
    champions = Champions(home / "bundles", ("24h",))
    uplifts = champions.load().uplifts
    assert champions.without_uplift(parse(BY_UPLIFT).uplifts) == []
    return asyncio.run(decided(home, uplifts))


async def decided(home, uplifts):
    """Let others be asked by uplift, after the log so far; leave the longer log behind."""

    def log_so_far(file):
        copyfile(home / "opportune.db", file)

    models = scorer({"24h": Constant(0.1)}, MEANINGS, uplifts=uplifts)
    with rehearsal(parse(BY_UPLIFT), models, mapping=MAPPING, prepare=log_so_far) as shop:
        # Many at once, so that one call of the model is about many people.
        asked = [shopping(f"n{i}", 4 * DAY_S + 75 * i, looks_around=looks_around(i)) for i in range(OTHERS)]
        await shop.tell(*(each for events in asked for each in events))
        await shop.tell(event("Page Viewed", "last", 8 * DAY_S))
        made = shop.decisions()
        with shop.database.connect() as connection:
            told = [decisions_of(connection, f"n{i}", limit=1, before=None).evaluations[0].decisions[0] for i in (0, 1)]
            ids = json.dumps([each.decision_id for each in made])
            rows = [tuple(row) for row in connection.exec_driver_sql(ROWS, (ids,))]
        copy(shop, home / "later.db")
    return Served(uplifts, made, told, rows)


def printed(home, command, *arguments):
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as said:
        patch.setenv("OPPORTUNE_HOME", str(home))
        patch.delenv("OPPORTUNE_REGISTRY", raising=False)
        command(list(arguments))
    return said.getvalue()


def test_the_server_takes_up_what_was_learned_and_writes_to_whom_a_message_persuades(learned, served):
    assert "warm-cart: switch: Qini of the" in learned
    assert "opportune-uplift-warm-cart/1" in learned

    by_user = {each.user_key: each for each in served.made}
    fired = [by_user[f"n{i}"].reason in ("sent", "control") for i in range(OTHERS)]
    assert np.mean(fired[::2]) > 0.9
    assert np.mean(fired[1::2]) < 0.15
    assert len(served.rows) == OTHERS
    assert {model for model, *_ in served.rows} == {"opportune-uplift-warm-cart/1"}
    assert all(reached == fires and 0 < propensity <= 1 for _, reached, fires, propensity in served.rows)


def test_a_decision_tells_what_the_message_adds_what_was_needed_and_which_model_says_so(served):
    persuaded, put_off = served.told

    assert persuaded.model_version == put_off.model_version == "opportune-uplift-warm-cart/1"
    assert persuaded.threshold == put_off.threshold == served.uplifts["warm-cart"].pays
    assert persuaded.score > persuaded.threshold > put_off.score
    assert put_off.reason == "below_threshold"
    last = put_off.guards[-1]
    assert (last.guard, last.verdict, last.reason) == ("uplift", "objected", "below_threshold")
    assert last.in_words.startswith("the message adds ")
    assert f"Against it: {last.in_words}." in put_off.in_words


async def test_without_a_model_in_service_the_threshold_counts_and_decision_and_server_say_so(tmp_path):
    policy = parse(BY_UPLIFT)
    with rehearsal(policy, scorer({"24h": Constant(0.6)}, MEANINGS), mapping=MAPPING, start=START) as shop:
        await shop.tell(*shopping("u", 0, looks_around=True))
        with shop.database.connect() as connection:
            [made] = decisions_of(connection, "u", limit=1, before=None).evaluations[0].decisions

    assert (made.score, made.threshold, made.model_version) == (0.6, 0.5, "constant/0")
    assert made.action in ("send", "control")
    assert "no model of uplift was in service, so the chance of a purchase counted: it is 60 %" in made.in_words
    assert Champions(tmp_path, ("24h",)).without_uplift(policy.uplifts) == [
        "the trigger warm-cart goes by uplift, and no model of it within 24h is in service: it goes by its threshold"
    ]


def test_what_was_decided_by_uplift_is_judged_by_the_intent_of_then(tmp_path, home, served):
    """Policy value and reports compare scores: these are of one kind, whatever the decision went by."""
    copyfile(home / "later.db", tmp_path / "opportune.db")

    found = Ledger(tmp_path / "opportune.db").of("warm-cart")

    assert len(found.decisions) == PEOPLE + OTHERS
    assert set(found.decisions.score) == {0.1}
    assert found.above.sum() == PEOPLE + sum(fires for _, _, fires, _ in served.rows)
    assert found.by_uplift == "opportune-uplift-warm-cart/1"
    said = printed(tmp_path, judge, *PRICED)
    assert "no answer: it goes by uplift (opportune-uplift-warm-cart/1), and by no threshold of the score" in said


def point(bundles, version):
    """Write a bundle, have the pointer name it as the registry process does, and return where it is."""
    path = f"opportune-uplift-warm-cart/{version}"
    found = a_bundle(bundles / path)
    (bundles / "champions.json").write_text(json.dumps({"uplift/warm-cart": {"path": path}}))
    return found


def test_a_bundle_is_taken_up_and_a_damaged_one_is_refused_while_the_old_one_stays(tmp_path):
    champions = Champions(tmp_path, ("24h",))
    damaged = point(tmp_path, 1)
    (damaged / "trees-0.txt").write_text("")
    assert champions.load().uplifts == {}
    assert champions.refusals()["uplift/warm-cart"].endswith("the trigger goes by its threshold")

    point(tmp_path, 2)
    assert champions.load().versions["uplift/warm-cart"] == "opportune-uplift-warm-cart/2"
    assert champions.refusals() == {}

    change_manifest(point(tmp_path, 3), lambda manifest: manifest.update(pays=-1))
    assert champions.load().uplifts["warm-cart"].version == "2"
    remark = champions.refusals()["uplift/warm-cart"]
    assert "opportune-uplift-warm-cart/3/manifest.json is damaged at pays" in remark
    assert remark.endswith("version 2 stays")


def test_a_bundle_of_another_trigger_is_refused(tmp_path):
    a_bundle(tmp_path / "other", trigger="other")
    (tmp_path / "champions.json").write_text(json.dumps({"uplift/warm-cart": {"path": "other"}}))
    champions = Champions(tmp_path, ("24h",))
    champions.load()

    assert "other was learned from the messages of other" in champions.refusals()["uplift/warm-cart"]
