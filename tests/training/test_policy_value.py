import json

import pytest

from tests.training.decided import PRESENT, TRIGGER, run, write_decisions
from training.policy_value import main
from training.world_decisions import moments

AT = moments("even", 5000, seed=8)
PRICED = ["--order-value", "20", "--contact-cost", "0.05", "--unsubscribe-cost", "5"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))
    monkeypatch.delenv("OPPORTUNE_REGISTRY", raising=False)
    return tmp_path


@pytest.mark.filterwarnings("ignore")
def test_a_ledger_with_exploration_gets_a_threshold_with_figures_a_picture_and_a_run(judged_home):
    told = (judged_home / "told.txt").read_text()
    summary = json.loads((judged_home / "policy-value" / "summary.json").read_text())
    found = summary["triggers"][TRIGGER]
    assert found["recommended"] < PRESENT
    assert "change: it surely earns more than the present one" in told
    assert "<- recommended" in told
    assert f"make accept-threshold TRIGGER={TRIGGER}" in told
    assert (judged_home / "policy-value" / TRIGGER / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert run_of(judged_home, TRIGGER)["recommended"] == found["recommended"]


@pytest.mark.filterwarnings("ignore")
def test_a_ledger_without_exploration_says_what_stays_unknown(home, capsys):
    write_decisions(home, AT.__class__(**{name: each[:3000] for name, each in vars(AT).items()}), exploration=0.0)

    main([*PRICED, "--trigger", TRIGGER])

    told = capsys.readouterr().out
    found = json.loads((home / "policy-value" / "summary.json").read_text())["triggers"][TRIGGER]
    assert "what a lower threshold would earn stays unknown without exploration" in told
    assert all(each["value"] is None for each in found["points"] if each["threshold"] < PRESENT)
    assert found["recommended"] >= PRESENT


@pytest.mark.filterwarnings("ignore")
def test_of_arms_with_scores_of_their_own_no_threshold_is_judged(home, capsys):
    write_decisions(home, moments("even", 50, seed=1), exploration=0.0)
    run(home / "opportune.db", "UPDATE decisions SET threshold = 0.1, arm = 'bold' WHERE user_no % 2 = 0")

    main([*PRICED, "--trigger", TRIGGER])

    assert (
        "no answer: its arms ask for different scores, so that no one threshold is in force" in capsys.readouterr().out
    )


def test_a_trigger_without_decisions_is_named_beside_those_that_have_some(home, capsys):
    write_decisions(home, moments("even", 50, seed=1), exploration=0.0)

    with pytest.raises(SystemExit) as ended:
        main(["--trigger", "win-back"])

    assert ended.value.code == 2
    assert "'win-back' by its score is in the ledger; there are: warm-cart" in capsys.readouterr().err


def test_a_home_without_decisions_is_told_so(home):
    with pytest.raises(SystemExit, match="there are no decisions yet"):
        main([])


def test_a_ledger_where_nothing_was_sent_is_told_so(home):
    write_decisions(home, moments("even", 50, seed=1), exploration=0.0)
    run(home / "opportune.db", "DELETE FROM decisions")

    with pytest.raises(SystemExit, match="nothing to judge"):
        main([])


def test_orders_without_amounts_need_a_price(home):
    write_decisions(home, moments("even", 50, seed=1), exploration=0.0)
    run(home / "opportune.db", "DELETE FROM events WHERE kind = 17")

    with pytest.raises(SystemExit, match="ORDER_VALUE=12"):
        main([])


def test_a_price_that_is_none_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--contact-cost", "NaN"])
    assert "'NaN' is no amount" in capsys.readouterr().err


def run_of(home, name):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("opportune-policy-value")
    (found,) = [each for each in client.search_runs([experiment.experiment_id]) if each.info.run_name == name]
    assert found.info.status == "FINISHED"
    assert {each.path for each in client.list_artifacts(found.info.run_id)} == {"curve.png", "figures.json"}
    return found.data.metrics
