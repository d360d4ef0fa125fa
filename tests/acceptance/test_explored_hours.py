"""Hours drawn by chance, through a real server: when messages go, what the ledger keeps, what reports tell of it."""

import json
import sqlite3
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from scipy.stats import binomtest

from demo.receiver import Receiver
from models.send_hour_bundle import write
from tests.contract.running import a_key, running
from tests.models.hours import a_model
from tests.serving.receivers import SECRET
from training.answers import read_sends
from training.hour_value import hour_values
from training.ledger_rows import rows
from training.log import read_log

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2024, 3, 6, 12, 0, tzinfo=BERLIN)
PEOPLE = 900
SHARE, BEST = 0.1, 18
ELIGIBLE = (*range(12, 21), 8, 9, 10)
"""From noon until ten o'clock of the next day, without the hours from nine in the evening to eight."""
DELIVERED_WITHIN_S = 60
AT_BEST, ELSEWHEN = 0.5, 0.2
"""How likely people answer to a message at their best hour, and to one at another."""
POLICY = f"""
explore: {{hours: {SHARE:.0%}}}
triggers:
  - name: reminder
    on: Cart Viewed
    threshold: 0
    cool_down: 7d
    hold_out: 0
    mode: live
    send: best_hour
    send_within: 22h
    guards: {{quiet_hours: {{from: "21:00", to: "08:00"}}}}
"""
DECIDED = """
SELECT u.user_key, d.action, d.reason, d.at, d.due_at, d.draws FROM decisions d JOIN users u USING (user_no)
ORDER BY d.at
"""


def with_a_champion(home):
    """Write a policy file, and a bundle of send hours that is in service from the start."""
    (home / "triggers.yaml").write_text(POLICY)
    path = "opportune-send-hour/1"
    # Fifty events of the cohort, whose best hour is six in the evening, outweigh a person's one.
    write(home / "bundles" / path, a_model(strength=50.0), created_at="2024-01-01T00:00:00Z")
    entry = {"name": "opportune-send-hour", "version": "1", "path": path}
    (home / "bundles" / "champions.json").write_text(json.dumps({"send-hour": entry}))
    return home


def event(name, user, at):
    sent = {"type": "track", "event": name, "userId": user, "messageId": f"{user}-{name}-{at:%d%H%M%S}"}
    return sent | {"timestamp": at.isoformat(), "context": {"timezone": "Europe/Berlin"}, "properties": {}}


def decided(home):
    with closing(sqlite3.connect(f"file:{home / 'opportune.db'}?mode=ro", uri=True)) as connection:
        return connection.execute(DECIDED).fetchall()


def there(moment_us):
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment_us)).astimezone(BERLIN)


def delivered(receiver, count):
    deadline = time.monotonic() + DELIVERED_WITHIN_S
    while len(receiver.verified) < count:
        assert time.monotonic() < deadline, f"{len(receiver.verified)} of {count} messages came"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """A day of a server on the clock of its events: everybody leaves a cart at noon; some answer what they get."""
    home, random = with_a_champion(tmp_path_factory.mktemp("home")), np.random.default_rng(8)
    key = a_key(home)
    with Receiver(SECRET) as receiver:
        settings = {"webhook_url": receiver.url, "webhook_secret": SECRET, "triggers": home / "triggers.yaml"}
        with running(home, replay=True, **settings) as server:

            def tell(events):
                for first in range(0, len(events), 500):
                    body = {"batch": events[first : first + 500]}
                    assert server.ask("POST", "/v1/batch", body, key=key).status == 200

            tell([event("Cart Viewed", f"u{i}", NOON + timedelta(milliseconds=100 * (i + 1))) for i in range(PEOPLE)])
            answered = set()
            for hour in range(1, 26):
                clock = NOON + timedelta(hours=hour, minutes=-20)
                tell([event("Page Viewed", "clock", clock)])
                new = [each for each in decided(home) if each[1] == "send" and each[0] not in answered]
                answered |= {each[0] for each in new}
                # Guards are asked again at departure, on the clock of the events: it has to be before the night.
                delivered(receiver, len(answered))
                likely = [AT_BEST if there(each[3]).hour == BEST else ELSEWHEN for each in new]
                back = [each for each, chance in zip(new, likely, strict=True) if random.random() < chance]
                tell([event("Page Viewed", each[0], clock + timedelta(seconds=n)) for n, each in enumerate(back)])
            tell([event("Page Viewed", "clock", NOON + timedelta(days=4))])
            told = server.ask("GET", "/v1/decisions?user_id=u7", key=key).json()
            hours = server.ask("GET", "/v1/users/u7/send-hour", key=key).json()
            scored = server.ask("POST", "/v1/score", {"user_id": "u7"}, key=key).json()
    return home, told, hours, scored


def test_every_message_goes_out_in_the_hour_that_was_drawn_and_never_in_quiet_hours(day):
    found = decided(day[0])
    went = {each[0]: there(each[3]) for each in found if each[1] == "send"}
    planned = {each[0]: there(each[4] or each[3]) for each in found if each[5] and "hour_probability" in each[5]}

    assert len(went) == len(planned) == PEOPLE
    assert {each[2] for each in found} == {"put_off", "sent"}
    assert all(0 <= (went[user] - at).total_seconds() < 3600 for user, at in planned.items())
    assert {each.hour for each in went.values()} == set(ELIGIBLE)


def test_the_ledger_keeps_of_each_hour_how_likely_it_was(day):
    draws = [(json.loads(each[5]), there(each[4] or each[3]).hour) for each in decided(day[0]) if each[5]]
    drawn = [each for each in draws if "hour_probability" in each[0]]
    likely = dict.fromkeys(ELIGIBLE, SHARE / len(ELIGIBLE)) | {BEST: 1 - SHARE + SHARE / len(ELIGIBLE)}
    counts = Counter(hour for _, hour in drawn)

    assert {tuple(each["eligible_hours"]) for each, _ in drawn} == {ELIGIBLE}
    assert all(each["hour_probability"] == pytest.approx(likely[hour]) for each, hour in drawn)
    for hour, probability in likely.items():
        assert binomtest(counts[hour], PEOPLE, probability).pvalue > 0.001
    assert binomtest(sum(each["hour_explored"] for each, _ in drawn), PEOPLE, SHARE).pvalue > 0.001


def test_the_export_says_it_of_the_message_that_went_out(day):
    sent = [row for part in rows(day[0] / "opportune.db") for row in part if row.sent]

    assert len(sent) == PEOPLE
    for row in sent:
        best = row.local_hour == BEST
        assert row.decision["hour_probability"] == pytest.approx(SHARE / len(ELIGIBLE) + (1 - SHARE) * best)
        assert row.decision["eligible_hours"] == [*ELIGIBLE]


def test_what_the_best_hours_are_worth_is_told_from_it_and_of_an_hour_hardly_ever_drawn_nothing(day):
    log = read_log(day[0] / "opportune.db")
    sends = read_sends(day[0] / "opportune.db", log)
    rules = {"the best hour": np.eye(24)[np.full(PEOPLE, BEST)], "nine o'clock": np.eye(24)[np.full(PEOPLE, 9)]}
    [found] = hour_values(sends, rules)

    assert len(sends) == PEOPLE
    assert np.isfinite(sends.chance).all()
    assert not sends.weekend.any()
    assert found.rule == "the best hour"
    for _, low, high in (found.self_normalised, found.doubly_robust):
        assert low < AT_BEST < high
        assert high - low < 0.1
    # As they went out: nine tenths of them at the best hour.
    mixed = AT_BEST * (0.9 + 0.1 / 12) + ELSEWHEN * (0.1 - 0.1 / 12)
    assert binomtest(round(found.usual * PEOPLE), PEOPLE, mixed).pvalue > 0.001


def test_a_person_is_told_what_was_drawn_and_which_hour_is_theirs(day):
    _, told, hours, scored = day
    put_off = next(each for each in told["evaluations"][-1]["decisions"] if each["reason"] == "put_off")

    assert put_off["draws"]["eligible_hours"] == [*ELIGIBLE]
    assert 0 < put_off["draws"]["hour_probability"] < 1
    assert hours["model"]["name"] == "opportune-send-hour"
    assert hours["send_hour"] == scored["send_hour"] == BEST
    assert sum(each["score"] for each in hours["hours"]) == pytest.approx(1.0)
    # This model does not tell days apart.
    assert all(each["score"] == each["working_day"] == each["weekend"] for each in hours["hours"])
    assert datetime.fromisoformat(hours["send_at"]).astimezone(BERLIN).hour == BEST
