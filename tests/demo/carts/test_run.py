"""`make demo-carts`, real server, SDK and mail server: its figures beside what the file and the mails say."""

import csv
import gzip
import json
import os
import subprocess
from collections import defaultdict
from email import message_from_bytes, policy
from html import unescape

import pytest

from demo.carts.day import product
from demo.carts.people import AGREED, drawn, visitor_of
from tests.conftest import ROOT
from tests.preloaded.python import PYTHON

WITHIN_S = 240
"""Twenty seconds on a machine that does nothing else."""
HALF_AN_HOUR_MS = 1_800_000


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    environment = os.environ | {"OPPORTUNE_HOME": str(folder)}
    done = subprocess.run(
        [PYTHON, "-m", "demo.carts"],
        check=False,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=WITHIN_S,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "What was got about each cart" in done.stdout
    return folder / "demo-carts"


@pytest.fixture(scope="module")
def summary(home):
    return json.loads((home / "summary.json").read_text())


@pytest.fixture(scope="module")
def mails(home):
    found = [message_from_bytes(each.read_bytes(), policy=policy.default) for each in (home / "mails").iterdir()]
    return sorted(found, key=lambda each: each["Message-ID"])


@pytest.fixture(scope="module")
def rows():
    """The rows of each visitor, in order of time."""
    with gzip.open(ROOT / "examples/gms/gms-2017-08-01.csv.gz", "rt", newline="") as file:
        sorted_ = sorted(csv.DictReader(file), key=lambda each: int(each["ts"]))
    found = defaultdict(list)
    for row in sorted_:
        found[row["visitor"]].append(row)
    return found


def left_behind(rows):
    """How often half an hour went by after something was put in, with neither an order nor another thing put in."""
    times = 0
    for of_one in rows.values():
        moments = [
            (int(each["ts"]), each["action"]) for each in of_one if each["action"] in ("add_to_cart", "purchase")
        ]
        for i, (at, action) in enumerate(moments):
            until = moments[i + 1][0] if i + 1 < len(moments) else float("inf")
            times += action == "add_to_cart" and until - at >= HALF_AN_HOUR_MS
    return times


def test_carts_and_how_often_they_were_left_behind_are_those_of_the_file(summary, rows):
    with_a_cart = [of_one for of_one in rows.values() if any(each["action"] == "add_to_cart" for each in of_one)]

    assert summary["visitors"] == len(rows) == 2293
    # A cart for each who put something in, and one for each who did again after an order.
    assert len(with_a_cart) <= summary["carts"] <= len(with_a_cart) + summary["ordered"]
    assert summary["abandoned"] == left_behind(rows)
    assert sum(each["carts"] for each in summary["endings"]) == summary["carts"]


def test_every_event_that_the_sdk_sent_is_in_the_log_once(summary, rows):
    named = ("/signin.html", "/yourinfo.html", "/registersuccess.html", "/payment.html")
    identified = [
        visitor for visitor, of_one in rows.items() if any(each["path"].partition("?")[0] in named for each in of_one)
    ]

    assert summary["sdk"] == {"accepted": 13_233 - 5 + len(identified), "rejected": 0, "sent_again": 5}


def test_every_decision_to_send_arrived_or_says_why_not(summary, mails):
    assert summary["sent"] == summary["delivered"] + sum(summary["undelivered"].values())
    assert summary["by_channel"]["email"] == len(mails) == len({each["Message-ID"] for each in mails})
    assert summary["delivered"] == len(mails) + summary["by_channel"]["webhook"]
    assert summary["forged"] == 0
    assert set(summary["undelivered"]) <= {"the mail server refused the recipient", "cancelled"}
    assert {"capped", "no_consent", "put_off", "suppressed"} <= set(summary["held"])
    assert min(summary[each] for each in ("sent", "control", "cancelled", "follow_ups", "delivered")) > 0


def test_nothing_is_sent_twice_or_after_somebody_went(summary):
    assert summary["unsubscribed"] > 0
    assert (summary["sent_after_unsubscribe"], summary["duplicate_sends"]) == (0, 0)


def test_what_people_did_is_in_the_ledger_and_what_gateways_did_is_not(summary):
    people, counted = summary["people"], summary["counted"]

    assert people["links scanned"] > people["mails scanned"] > 0
    assert counted["clicked"] == people["clicked"] > 0
    assert counted["opened"] == people["opened"] > 0
    assert counted["unsubscribed"] == summary["unsubscribed"]
    assert {name: counted[name] for name in ("delivered", "bounced")} == {
        name: people[name] for name in ("delivered", "bounced")
    }


def test_a_mail_goes_to_who_agreed_and_names_what_is_in_their_cart(mails, rows):
    for mail in mails:
        visitor = visitor_of(mail["To"])
        assert drawn(AGREED, "agreed", visitor) == "yes"
        added = [product(each["path"]) for each in rows[visitor] if each["action"] == "add_to_cart"]
        page = unescape(mail.get_body(("html",)).get_content())
        named = {each.get("name") or each.get("category") or "our shop" for each in added}
        assert any(f"{each}</a>" in page or f"from {each}" in page or f"{each}\n" in page for each in named)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail["List-Unsubscribe"].strip("<>") in page


def test_a_message_is_with_its_receiver_soon_after_the_event(summary):
    # How fast it is on a machine with nothing else to do is for the benchmark to say.
    assert 0 < summary["p99_event_to_dispatch_s"] < 10
