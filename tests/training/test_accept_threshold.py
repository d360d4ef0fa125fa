"""From a ledger to a threshold that a running server decides by: report, acceptance, and the policy followed live."""

import asyncio
import json

import pytest

from policy.source import load
from serving import policy_watch
from tests.serving.asking import reply
from tests.serving.databases import rows
from tests.serving.servers import a_server
from tests.training.decided import PRESENT, TRIGGER, write_decisions
from training.accept_threshold import main as accept
from training.policy_value import main as judge
from training.world_decisions import moments

POLICY = "triggers:\n- {{name: {name}, on: Product Added, threshold: {{auto_from: 20%}}, cool_down: 0, hold_out: 0}}\n"
PRICED = ["--order-value", "20", "--contact-cost", "0.05", "--unsubscribe-cost", "5"]
ADDED = {"type": "track", "event": "Product Added", "userId": "u", "properties": {"product_id": "p"}}


@pytest.fixture
def home(judged_home, monkeypatch):
    """A home whose ledger speaks for a lower threshold; its policy leaves that to reports, and none is accepted yet."""
    (judged_home / "triggers.yaml").write_text(POLICY.format(name=TRIGGER))
    (judged_home / "thresholds.json").unlink(missing_ok=True)
    monkeypatch.setenv("OPPORTUNE_HOME", str(judged_home))
    monkeypatch.setenv("OPPORTUNE_TRIGGERS", str(judged_home / "triggers.yaml"))
    monkeypatch.setattr(policy_watch, "LOOK_EVERY_S", 0.01)
    return judged_home


def figures(home):
    return json.loads((home / "policy-value" / "summary.json").read_text())["triggers"][TRIGGER]


@pytest.mark.filterwarnings("ignore")
async def test_a_server_decides_by_the_lower_threshold_once_it_is_accepted(home):
    recommended = figures(home)["recommended"]
    server = a_server(home)
    edge = server.edge()

    async def in_service():
        return (await reply(edge, "GET", "/v1/policy", {"host": "127.0.0.1:8000"}, [b""])).json["version"]

    async def threshold():
        sent = json.dumps({"user_id": "u", "event": ADDED | {"messageId": await in_service()}}).encode()
        head = {"host": "127.0.0.1:8000", "content-type": "application/json"}
        await reply(edge, "POST", "/v1/score", head, [sent])
        return rows(server.database, "SELECT threshold FROM decisions ORDER BY rowid DESC LIMIT 1")[0][0]

    async with server.life(None):
        before, version = await threshold(), await in_service()
        assert accept([TRIGGER]) == 0
        async with asyncio.timeout(20):
            while await in_service() == version:
                await asyncio.sleep(0.01)
        after = await threshold()

    assert (before, after) == (PRESENT, recommended)
    assert after < before


def test_what_is_accepted_tells_of_its_report(home, capsys):
    assert accept([TRIGGER]) == 0

    found = json.loads((home / "thresholds.json").read_text())["triggers"][TRIGGER]
    told = figures(home)
    point = next(each for each in told["points"] if each["threshold"] == told["recommended"])
    assert (found["threshold"], found["present"], found["horizon"]) == (told["recommended"], PRESENT, "24h")
    assert found["gain_at_least"] == point["gain"]["low"] > 0
    assert (found["run"], found["policy_version"]) == (told["run"], "p1")
    version = load(home / "triggers.yaml").version
    assert f"counts at once in a server that runs; policy version {version}" in capsys.readouterr().out


def test_where_the_policy_says_a_number_nothing_changes_and_that_is_told(home, tmp_path, capsys):
    own = tmp_path / "triggers.yaml"
    own.write_text(POLICY.format(name=TRIGGER).replace("{auto_from: 20%}", "20%"))

    assert accept([TRIGGER, "--policy", str(own)]) == 0
    assert "the policy file says 0.2 by itself" in capsys.readouterr().out
    assert load(own).triggers[0].threshold == 0.2


def test_thresholds_of_other_triggers_stay_accepted(home):
    accept([TRIGGER])
    kept = json.loads((home / "thresholds.json").read_text())
    kept["triggers"]["another"] = kept["triggers"][TRIGGER]
    (home / "thresholds.json").write_text(json.dumps(kept))

    accept([TRIGGER])

    assert json.loads((home / "thresholds.json").read_text())["triggers"].keys() == {"another", TRIGGER}


def test_a_trigger_that_was_not_judged_has_nothing_to_accept(home, capsys):
    assert accept(["win-back"]) == 2
    assert f"the last report has no trigger 'win-back'; it has: {TRIGGER}" in capsys.readouterr().err
    assert not (home / "thresholds.json").exists()


def test_before_the_first_report_there_is_nothing_to_accept(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))

    assert accept([TRIGGER]) == 2
    assert "run `make policy-value`" in capsys.readouterr().err


def test_a_report_without_an_answer_cannot_be_accepted(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))
    write_decisions(tmp_path, moments("even", 50, seed=1), exploration=0.0)
    judge(PRICED)

    assert accept([TRIGGER]) == 2
    assert f"no answer for {TRIGGER}: not even the present threshold has an answer" in capsys.readouterr().err
