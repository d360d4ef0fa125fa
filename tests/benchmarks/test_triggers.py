"""What triggers and timers cost is measured on engines that take the same events; here few of them."""

from benchmarks.latency import Latency
from benchmarks.report import summary
from benchmarks.tally import Outcome
from benchmarks.triggers import events, measure, triggers
from policy.event_names import of_event
from policy.source import parse

ANSWERED = Outcome(1, 0, 1.0, Latency(1, 1, 1, 1), {}, 1)
FOUND = {"us_per_event": {"one": 100, "fifty": 120, "fifty_on_one_event": 700, "no_timers": 80, "timers": 84}}


def test_fifty_triggers_are_on_one_event_or_on_fifty() -> None:
    apart, at_once = (parse("format: 1\ntriggers:" + triggers(50, at_once=each)) for each in (False, True))

    assert [len(each.triggers) for each in (apart, at_once)] == [50, 50]
    added = events(0, 10, orders=False)[0]
    assert [len(of_event(each.index, added.kind, added.name)) for each in (apart, at_once)] == [1, 50]


def test_every_round_has_events_of_its_own() -> None:
    ids = [each.message_id for number in range(3) for each in events(number, 10, orders=True)]

    assert len(set(ids)) == len(ids) == 192


def test_each_engine_gives_a_figure_and_nothing_is_left_behind(tmp_path) -> None:
    found = measure(tmp_path / "no bundles", tmp_path / "work", rounds=2, timers=1000)

    assert found["timers"] == 1000
    assert set(found["us_per_event"]) == {"one", "fifty", "fifty_on_one_event", "no_timers", "timers"}
    assert min(found["us_per_event"].values()) > 0
    assert list(tmp_path.iterdir()) == []


def test_the_summary_sets_each_beside_what_it_is_compared_with() -> None:
    rates = {"shipped": 5.0, "one_trigger": 7.0, "no_trigger": 9.0}
    batch = {name: {"events_per_s": rate} for name, rate in rates.items()}
    outcome = {"batch": batch, "startup_s": 1, "peak_rss_mb": 1}
    backfill = {
        "kernel_events_per_s": 1,
        "end_to_end_events_per_s": 1,
        "same_job_events_per_s": {"ours": 2, "pandas_group_by": 1, "duckdb": 1},
    }
    outcomes = dict.fromkeys(("ours", "ceiling", "straightforward", "half"), ANSWERED)
    routes = dict.fromkeys(("score", "event"), outcomes)

    turn = {"p50_s": 0.1, "p99_s": 0.2, "events_per_s": 500.0}
    dispatch = {"alone": turn, "beside": turn | {"p99_s": 0.3}}
    hours = {"us_per_event": {"none": 100.0, "hours": 108.0, "hours_with_trees": 119.0}}
    shadow = {"us_per_event": {"none": 200.0, "challenger": 236.0}}
    engines = {"policy": FOUND, "send_hour": hours, "shadow": shadow}
    found = summary(outcome | routes, backfill, engines, dispatch)

    assert found["ingest_batch"] == {
        "events_per_s": 5.0,
        "to_ceiling": 5.0,
        "events_per_s_one_trigger": 7.0,
        "events_per_s_no_trigger": 9.0,
    }
    assert found["policy"] == {
        "fifty_to_one": 1.2,
        "fifty_on_one_event_to_one": 7.0,
        "million_timers_to_none": 1.05,
    }
    assert found["send_hour"] == {"to_event_with_score": 0.08, "with_trees_to_event_with_score": 0.19}
    assert found["shadow"] == {"to_event_with_score": 0.18}
    assert found["dispatch"] == turn | {"p99_s_beside_dead_and_slow": 0.3}
