import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from features.kinds import Kind
from features.moments import iso
from tests.features.histories import DAY, HOUR, MINUTE
from tests.training.healthy import PEOPLE, a_healthy_home
from tests.training.ledgers import MODEL, NOW, Ledger
from training.health import main
from training.health_gauges import MEANINGS


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    """Return what asks the command about a home, and returns what it printed."""
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")

    def ask(*arguments, at=NOW):
        assert main(["--at", iso(at), *arguments]) == 0
        return capsys.readouterr().out

    return ask


def a_busy_home(folder, **home):
    """Write a healthy home with a trigger that held some out."""
    ledger = a_healthy_home(folder, **home)
    for i in range(100):
        action = "control" if i % 4 == 0 else "send"
        made = ledger.decision(f"w{i}", "cart", NOW - 9 * DAY + i * MINUTE, action, arm=action, sending=0.75)
        if i % 5 == 0:
            ledger.outcome(made, "order", NOW - 9 * DAY + 3 * HOUR)
    return ledger


def words(found):
    return {each["name"]: each["status"] for each in found["checks"]}


def test_a_home_in_which_nothing_has_changed_is_ok(tmp_path, told):
    a_busy_home(tmp_path).write()
    found = json.loads(told("--json"))

    assert words(found) == {
        "events": "ok",
        "sends": "unknown",
        "evaluations": "ok",
        "states": "unknown",
        "outbox": "ok",
        **{f"24h {each}": "ok" for each in ("model", "features", "scores", "calibration", "performance")},
    }
    (model,) = found["models"]
    assert model["model"] == MODEL
    assert model["realised"]["rows"] > PEOPLE / 2
    assert model["reference"]["roc_auc"] == 0.7


def test_exactly_the_shifted_feature_is_named(tmp_path, told):
    a_busy_home(tmp_path, shifted=("orders_hl30d",)).write()
    found = json.loads(told("--json"))

    (model,) = found["models"]
    changed = {name for name, each in model["features"].items() if each["status"] != "ok"}
    assert changed == {"orders_hl30d"}
    assert words(found)["24h features"] == "large"
    assert words(found)["24h scores"] == "ok"
    assert found["status"] == "large"
    assert "1 of 3 changed: orders_hl30d 0.4" in told()


def test_scores_that_say_too_little_are_large(tmp_path, told):
    a_busy_home(tmp_path, actual=1.7).write()

    assert words(json.loads(told("--json")))["24h calibration"] == "large"


def test_rows_that_messages_changed_are_left_out_of_calibration(tmp_path, told):
    ledger = a_busy_home(tmp_path)
    for i in range(100):
        ledger.decision(f"u{i + 200}", "nudge", NOW - 9 * DAY, "send", arm="treatment", sending=0.9)
        ledger.decision(f"u{i + 200}", "nudge", NOW - 6 * DAY, "send", arm="treatment", sending=0.9)
    ledger.write()
    (model,) = json.loads(told("--json"))["models"]

    assert 20 < model["realised"]["left_out"] <= 100
    assert "rows left out, since a message may have changed them" in told()


def test_a_model_from_before_has_no_reference_and_it_says_so(tmp_path, told):
    a_busy_home(tmp_path, reference=False).write()
    found = json.loads(told("--json"))

    assert words(found)["24h features"] == "unknown"
    assert words(found)["24h calibration"] == "ok"
    assert "no reference: the model was trained before bundles had one" in " ".join(told().split())
    assert found["models"][0]["features"] is None


def test_a_damaged_bundle_is_an_alert(tmp_path, told):
    a_busy_home(tmp_path).write()
    (tmp_path / "bundles" / "opportune-intent-24h" / "7" / "manifest.json").write_text("{")

    found = json.loads(told("--json"))
    assert (words(found)["24h bundle"], found["status"]) == ("alert", "alert")


def test_a_message_that_waits_too_long_and_a_pause_that_is_none_of_the_usual_are_alerts(tmp_path, told):
    ledger = a_busy_home(tmp_path)
    ledger.message(ledger.decision("w0", "cart", NOW - HOUR, "send"), due_at=NOW - 20 * MINUTE, status="pending")
    ledger.write()

    assert words(json.loads(told("--json")))["outbox"] == "alert"
    found = json.loads(told("--json", at=NOW + 2 * DAY))
    assert words(found)["events"] == "alert"
    assert found["events"]["age_s"] > 86_400


def test_the_screen_is_as_wide_as_the_terminal(tmp_path, told):
    a_busy_home(tmp_path, shifted=("orders_hl30d",)).write()
    said = told("--days", "10")

    assert max(map(len, said.splitlines())) <= 100
    assert said.startswith("As of 2017-08-30T00:00:00Z, over 10 days: large\n")
    assert "trigger  decided  withheld  sent" in said
    assert "effect " in said


def test_a_narrow_terminal_is_not_left(tmp_path, told, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    a_busy_home(tmp_path).write()

    assert max(map(len, told("--days", "10").splitlines())) <= 60


def test_everything_is_told_as_json(tmp_path, told):
    a_busy_home(tmp_path).write()
    found = json.loads(told("--json", "--days", "10"))

    assert set(found) == {
        "format", "at", "days", "status", "checks", "models", "events", "sends", "evaluated_s", "states",
        "overdue_s", "funnels", "weeks", "gauges",
    }  # fmt: skip
    assert (found["format"], found["at"], found["days"]) == (1, "2017-08-30T00:00:00Z", 10.0)
    (funnel,) = found["funnels"]
    assert (funnel["trigger"], funnel["stages"]["sent"], funnel["stages"]["withheld"]) == ("cart", 75, 25)
    (week,) = found["weeks"]
    assert (week["sent"], week["withheld"]) == (
        {"users": 75, "conversions": 15},
        {"users": 25, "conversions": 5},
    )
    assert week["effect"]["low"] < 0 < week["effect"]["high"]
    assert [each["name"] for each in found["gauges"]] == list(MEANINGS)
    by_name = {each["name"]: each["samples"] for each in found["gauges"]}
    assert {"labels": {"trigger": "cart", "stage": "sent"}, "value": 75.0} in by_name["health_funnel"]
    assert all(
        samples
        for name, samples in by_name.items()
        if name not in {"health_undelivered", "health_held", "health_states_behind"}
    )


def test_a_home_where_nothing_happened_yet_is_told(tmp_path, told):
    Ledger(tmp_path).write()

    assert "none in service: the rule scores" in " ".join(told().split())


def test_a_home_whose_events_were_replayed_is_looked_at_as_of_the_last_one(tmp_path, monkeypatch, capsys):
    ledger = Ledger(tmp_path)
    ledger.event("a", Kind.PAGE_VIEWED, NOW, origin="replay")
    ledger.write()
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))

    assert main([]) == 0
    assert capsys.readouterr().out.startswith("As of 2017-08-30T00:00:00Z")


def test_the_file_of_the_server_is_written_whole(tmp_path):
    a_busy_home(tmp_path).write()
    environment = {**os.environ, "OPPORTUNE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "training.health", "--write", "--at", iso(NOW)]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)

    assert found.stdout == found.stderr == ""
    assert json.loads((tmp_path / "health.json").read_text())["status"] in {"ok", "unknown"}
    assert not list(tmp_path.glob("health.json.*"))


def test_what_cannot_be_looked_at_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))
    assert main([]) == 1
    assert "does not exist" in capsys.readouterr().err

    a_healthy_home(tmp_path, people=10).write()
    with closing(sqlite3.connect(tmp_path / "opportune.db")) as connection, connection:
        connection.execute("DROP TABLE outbox")
    assert main([]) == 1
    assert "cannot be read: no such table: outbox" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--days", "0"], ["--days", "week"], ["--at", "yesterday"]])
def test_a_wrong_command_line_is_refused(wrong, capsys):
    with pytest.raises(SystemExit):
        main(wrong)

    assert "error: argument" in capsys.readouterr().err
