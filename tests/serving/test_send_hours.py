"""What serving says of a person's hours, and what the policy makes of it."""

import asyncio
import json

import numpy as np
import pytest

from features.moments import to_moment, to_us
from serving.champions import Champions
from serving.past import state_at
from serving.scorer import scorer
from serving.send_hours import Profiles, hours_of
from tests.models.bundles import a_bundle, change_manifest
from tests.models.hours import EVERYBODY, a_model, counted
from tests.models.test_send_hour_bundle import a_bundle as an_hours_bundle
from tests.serving.engines import MEANINGS, SECOND, START, Certain, event, shop, shops

__all__ = ["shop", "shops"]
HOUR, DAY = 3600, 86_400
BERLIN = {"context": {"timezone": "Europe/Berlin"}}
AT_BEST = """
format: 1
triggers:
  - name: reminder
    on: Cart Viewed
    horizon: 24h
    threshold: 1%
    cool_down: 1d
    hold_out: {share: 0, salt: test}
    mode: live
    send: best_hour
    send_within: 1d
  - name: only-when-sure
    on: Checkout Started
    horizon: 24h
    threshold: 1%
    cool_down: 1d
    hold_out: {share: 0, salt: test}
    mode: live
    when: {send_hour: {confidence: {at_least: 50%}}}
"""


def with_hours(opened, **fields):
    """Put a model of send hours into service."""
    opened.engine.replace_models(scorer({"24h": Certain(0.3)}, MEANINGS, a_model(**fields)))
    return opened


async def visits(opened, user, hour, *, days=20, **fields):
    """Let somebody look at something at an hour of the day in UTC, on some days; return a moment after."""
    midnight = DAY - START // SECOND % DAY
    for day in range(days):
        await opened.engine.ingest([event("Product Viewed", user, midnight + day * DAY + hour * HOUR + 60, **fields)])
    return midnight + days * DAY


async def asked(opened, user, at, happened=None):
    answer = await opened.engine.score([(user, None)], event=happened, at=None if happened else START + at * SECOND)
    return answer, answer.scores[0]


async def test_without_a_model_nothing_is_said(shop):
    _, score = await asked(shop, "u", 1)

    assert score.hours is None


async def test_an_owl_in_berlin_is_there_at_midnight_and_next_there_at_the_next_one(shop):
    later = await visits(with_hours(shop), "owl", 23, **BERLIN)
    answer, score = await asked(shop, "owl", later + 12 * HOUR)

    # 23:01 in UTC is a minute past midnight in Berlin's winter.
    assert score.hours.known.best == 0
    assert score.hours.known.confidence > 0.9
    assert 0.7 < score.hours.known.personal < 0.8
    assert to_us(score.hours.send_at(answer.at)) == START + (later + 23 * HOUR) * SECOND
    assert answer.models["send-hour"].version == "1"
    assert dict(shop.tools.scorer.versions)["send-hour"] == "opportune-send-hour/1"


async def test_who_is_unknown_gets_everybodys_hours_and_no_moment(shop):
    answer, score = await asked(with_hours(shop), "nobody", 1)

    np.testing.assert_allclose(score.hours.known.scores, EVERYBODY)
    assert (score.hours.known.personal, score.hours.send_at(answer.at)) == (0.0, None)


async def test_the_hours_are_those_as_of_the_moment_asked_about_whatever_the_same_batch_does_later(shop):

    later = await visits(with_hours(shop), "u", 8)
    events = [event("Product Viewed", "u", later + i, n=i) for i in range(5)]
    answers = await asyncio.gather(*(shop.engine.score([("u", None)], event=each) for each in events))

    told = [each.scores[0].hours.known.scores for each in answers]
    with shop.database.connect() as connection:
        then = [state_at(connection, "u", each.at).hours for each in answers]
    np.testing.assert_allclose(told, [a_model().predict(each[None, :])[0] for each in then], rtol=1e-12)
    assert len({each.tobytes() for each in told}) == 5


async def test_hours_of_the_past_are_read_from_the_log(shop):
    later = await visits(with_hours(shop), "u", 8)
    _, before = await asked(shop, "u", later)
    await visits(shop, "u", 20, days=40)
    _, after = await asked(shop, "u", 41 * DAY)
    _, again = await asked(shop, "u", later)

    assert (before.hours.known.best, after.hours.known.best) == (8, 20)
    np.testing.assert_array_equal(again.hours.known.scores, before.hours.known.scores)


async def test_a_message_is_put_off_to_the_hour_of_the_person_and_without_a_model_to_ten(shops):
    opened = shops(AT_BEST)
    with_hours(opened)
    later = await visits(opened, "evening", 19, **BERLIN)
    viewed = event("Cart Viewed", "evening", later + 12 * HOUR, **BERLIN)
    _, score = await asked(opened, "evening", later, viewed)
    opened.engine.replace_models(scorer({"24h": Certain(0.3)}, MEANINGS))
    other = event("Cart Viewed", "other", later + 12 * HOUR + 60, **BERLIN)
    _, unknown = await asked(opened, "other", later, other)

    assert [each.decisions[0].reason for each in (score, unknown)] == ["put_off", "put_off"]
    due = opened.rows("SELECT due_at FROM decisions WHERE due_at IS NOT NULL ORDER BY at")
    # 20:00 and 10:00 in Berlin.
    assert [to_moment(each).hour for (each,) in due] == [19, 9]


LATE_ON_WEEKENDS = np.stack([np.where(np.arange(24) < 3, 0.2, 1.0), np.where(np.arange(24) < 3, 5.0, 1.0)])


@pytest.mark.parametrize(("weekday", "hour"), [(3, 23), (4, 0), (5, 0), (6, 23)])
async def test_what_is_told_is_the_hour_at_which_a_trigger_sends_on_that_kind_of_day(shops, weekday, hour):
    opened = shops(AT_BEST)
    with_hours(opened, by_day=LATE_ON_WEEKENDS)
    # In Berlin at eleven in the evening, and at midnight.
    later = await visits(opened, "owl", 22, **BERLIN)
    later = await visits(opened, "owl", 23, **BERLIN)
    noon = later + 12 * HOUR
    noon += (weekday - to_moment(START + noon * SECOND).weekday()) % 7 * DAY
    viewed = event("Cart Viewed", "owl", noon, **BERLIN)
    answer, score = await asked(opened, "owl", noon, viewed)

    [(due_at,)] = opened.rows("SELECT due_at FROM decisions WHERE due_at IS NOT NULL")
    assert score.decisions[0].reason == "put_off"
    assert score.hours.known.best == hour
    assert to_us(score.hours.send_at(answer.at)) == due_at


def test_days_are_told_apart_beside_any_day():
    counts, at = counted([9] * 30 + [1] * 20), START
    told = hours_of(a_model(by_day=LATE_ON_WEEKENDS), counts, at, "Europe/Berlin")
    plain = hours_of(a_model(), counts, at, "Europe/Berlin")

    working, free = told.hours().on_days
    assert told.profiles.any_day(0) == pytest.approx(plain.hours().scores)
    assert (int(np.argmax(working)), int(np.argmax(free))) == (9, 1)
    assert sum(working) == pytest.approx(sum(free)) == pytest.approx(1.0)
    assert plain.hours().on_days is None
    everybody = told.hours().of_everybody()
    assert everybody.on_days[1][1] / everybody.on_days[0][1] > 5.0
    assert plain.hours().of_everybody().on_days is None


async def test_a_condition_may_ask_how_sure_the_hour_is(shops):
    opened = shops(AT_BEST)
    started = {"event": "Checkout Started"}
    later = await visits(with_hours(opened), "sure", 19, **BERLIN)
    _, sure = await asked(opened, "sure", later, event(started["event"], "sure", later))
    _, new = await asked(opened, "new", later, event(started["event"], "new", later + 1))

    assert [each.decisions[0].reason for each in (sure, new)] == ["sent", "condition_not_met"]


def test_what_the_model_says_is_computed_for_all_at_once_when_somebody_asks():
    calls = []

    class Counting(type(a_model())):
        def describe(self, counts, weekend=None):
            calls.append(len(counts))
            return super().describe(counts, weekend)

    model = Counting(**{each: getattr(a_model(), each) for each in a_model().__dataclass_fields__})
    profiles = Profiles(model, np.stack([counted([9] * 30), counted([20] * 30)]), [START] * 2, [None] * 2)

    assert calls == []
    assert (profiles.of(0).best, profiles.of(1).best) == (9, 20)
    assert calls == [2]


def pointed(folder, **versions):
    """Write bundles of send hours and of intent, and point to these versions."""
    entries = {}
    for what, version in versions.items():
        name = "opportune-send-hour" if what == "hours" else "opportune-intent-24h"
        path = folder / name / str(version)
        if not path.exists():
            an_hours_bundle(path) if what == "hours" else a_bundle(path)
        key = "send-hour" if what == "hours" else "24h"
        entries[key] = {"name": name, "version": str(version), "path": f"{name}/{version}"}
    (folder / "champions.json").write_text(json.dumps(entries))


def test_the_champion_of_send_hours_comes_into_service_beside_those_of_intent(tmp_path):
    pointed(tmp_path, hours=3, intent=1)
    found = Champions(tmp_path, ("24h",)).load()

    assert found.send_hours.version == "3"
    assert dict(found.versions) == {"24h": "opportune-intent-24h/1", "send-hour": "opportune-send-hour/3"}


def test_a_damaged_bundle_of_send_hours_leaves_the_one_before_or_the_prior(tmp_path):
    pointed(tmp_path, hours=1, intent=1)
    champions = Champions(tmp_path, ("24h",))
    change_manifest(tmp_path / "opportune-send-hour" / "1", lambda manifest: manifest.update(strength=-1))

    assert champions.load().send_hours is None
    assert champions.refusals()["send-hour"].endswith("the prior stays")
    pointed(tmp_path, hours=2, intent=1)
    assert champions.load().send_hours.version == "2"
    assert champions.refusals() == {}
    an_hours_bundle(tmp_path / "opportune-send-hour" / "4")
    change_manifest(tmp_path / "opportune-send-hour" / "4", lambda manifest: manifest.update(habits="others"))
    pointed(tmp_path, hours=4, intent=1)
    assert champions.load().send_hours.version == "2"
    assert champions.refusals()["send-hour"].endswith("Retrain it.; opportune-send-hour version 2 stays")
