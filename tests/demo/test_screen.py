"""The screen shows every figure of a summary with the keys of summary.json."""

import copy

import pytest

from demo.screen import show

SUMMARY = {
    "events_imported": 112_233,
    "events_replayed": 33_456,
    "users": 2469,
    "intent": {
        "rows": 51_234,
        "base_rate": 0.1672,
        "roc_auc": 0.7711,
        "pr_auc": 0.3822,
        "log_loss": 0.3933,
        "calibration_error": 0.0144,
        "baselines": {
            "rule": {"precision": 0.3155, "recall": 0.2266},
            "model_at_rule_budget": {"precision": 0.4177, "recall": 0.2988},
            "logistic": {"roc_auc": 0.7599, "pr_auc": 0.3611, "log_loss": 0.4022, "calibration_error": 0.0233},
        },
    },
    "decisions": {"send": 4321, "control": 432, "hold": {"below_threshold": 20_111, "cooling_down": 3222}},
    "dispatch": {"delivered": 4320, "verified": 4319, "forged": 0, "p50_s": 0.021, "p99_s": 0.134},
    "outcomes": {"attributed": 1234},
    "parity": {"rows": 87_654, "mismatches": 0},
    "segments": {"segments": 3, "people": 2469, "members": 1876, "differences": 0},
    "latency_ms": {"p50": 1.23, "p95": 2.34, "p99": 3.45},
    "send_hour": {
        "people": 2305,
        "hit_at_3": 0.3533,
        "mrr": 0.3155,
        "log_loss": 2.6708,
        "global": {"hit_at_3": 0.2829, "mrr": 0.2737, "log_loss": 2.8021},
    },
    "mlflow_run_id": "0123456789abcdef",
    "model_version": "1",
    "seconds": {"import": 21.2, "train": 40.6, "replay": 60.3},
}


def shown(summary, home, capsys):
    show(summary, home)
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "told",
    [
        "112,233 orders as history, 33,456 through the HTTP API",
        "51,234 scores on every third local midnight",
        "4,321 sent, 432 withheld as control; held: 20,111 below_threshold, 3,222 cooling_down",
        "4,320 delivered, 4,319 with a verified signature",
        "p50 21 ms, p99 134 ms",
        "1,234 decisions were followed by a purchase",
        "p50 1.23 ms, p95 2.34 ms, p99 3.45 ms",
        "0 of 87,654 served feature vectors differ",
        "0 of 1,876 memberships differ",
        "2,305 households' later baskets, in the three best hours 0.3533 (everybody's 0.2829), MRR 0.3155 (0.2737)",
        "log-loss 2.6708 (2.8021); that is activity, not response",
        "MLflow run 0123456789abcdef",
        "import 21, train 41, replay 60: 122 seconds",
        "base rate 0.167",
        *("0.7711", "0.3822", "0.3933", "0.0144", "0.4177", "0.2988"),
        *("0.7599", "0.3611", "0.4022", "0.0233", "0.3155", "0.2266"),
    ],
)
def test_every_figure_is_on_the_screen(told, tmp_path, capsys):
    assert told in shown(SUMMARY, tmp_path, capsys)


def test_where_to_look_next_is_said_as_one_would_type_it(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = shown(SUMMARY, tmp_path / "var" / "demo", capsys)

    assert "var/demo/retrain/report-24h.html" in text
    assert "OPPORTUNE_HOME=var/demo make serve" in text
    assert str(tmp_path) not in text


def test_what_has_no_answer_is_a_dash(tmp_path, capsys):
    summary = copy.deepcopy(SUMMARY)
    summary["dispatch"] = {"delivered": 0, "verified": 0, "forged": 0, "p50_s": None, "p99_s": None}
    summary["intent"]["roc_auc"] = None
    text = shown(summary, tmp_path, capsys)

    assert "p50 –, p99 –" in text
    assert "0.7711" not in text
