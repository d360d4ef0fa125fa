import json
import sqlite3
from contextlib import closing
from importlib.metadata import version

import pytest

from features.catalog import CATALOGUE
from models.bundle import read_reference, verify
from tests.commands import told
from tests.features.histories import DAY, JULY
from tests.training.logs import write_log
from tests.training.shops import a_shop
from training.learned_groups import in_service
from training.learned_segments import people
from training.lineage import git_commit, iso
from training.log import read_log
from training.retrain import command_line

KEYS = {
    "rows",
    "base_rate",
    "roc_auc",
    "pr_auc",
    "log_loss",
    "brier",
    "calibration_error",
    "calibration_by_chance",
    "baselines",
    "promoted",
    "reason",
    "rules",
    "messages",
    "model_version",
    "mlflow_run_id",
}


def retrained(home, *arguments):
    """Give the command, and return what it printed and its summary."""
    found = told(home, "training.retrain", *arguments)
    assert found.returncode == 0, found.stderr
    return found.stdout, json.loads((home / "retrain" / "summary.json").read_text())


def version_tags(home, name, version):
    return dict(rows(home, f"SELECT key, value FROM model_version_tags WHERE name = '{name}' AND version = {version}"))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A made-up shop whose visitors are anonymous, and what retraining on it for a day and a week ahead left behind."""
    folder = tmp_path_factory.mktemp("home")
    write_log(folder, a_shop(people=250, days=60), excluded=("anonymous:3",))
    return folder, *retrained(folder, "--horizons", "24h,30d")


def rows(home, query):
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        return connection.execute(query).fetchall()


def test_it_prints_what_it_did_and_writes_the_figures(home):
    _, said, summary = home

    assert set(summary) == KEYS | {"horizons", "recommendations", "send_hour", "segments"}
    assert summary["model_version"] == "opportune-intent-24h/1"
    assert summary["promoted"] is True
    assert 0.55 < summary["roc_auc"] < 0.9
    assert set(summary["baselines"]) == {"rule", "model_at_rule_budget", "logistic", "count"}
    assert "24h: opportune-intent-24h/1 PROMOTED: first model of this horizon" in said
    assert [(each["name"], each["holds"]) for each in summary["rules"]] == [
        ("reference", True),
        ("calibration", True),
        ("outcomes", True),
        ("first model", True),
    ]
    assert all(each["words"] in said for each in summary["rules"])


def test_a_horizon_too_long_for_the_history_says_so_and_leaves_the_rule(home):
    _, said, summary = home
    found = summary["horizons"]["30d"]

    assert set(found) == KEYS
    assert found["promoted"] is False
    assert found["roc_auc"] is None
    assert "needs at least 120" in found["reason"]
    assert "rule-recency-frequency scores instead" in said


def test_the_version_the_digest_and_the_alias_are_in_the_registry(home):
    folder, _, summary = home

    assert rows(folder, "SELECT alias, name, version FROM registered_model_aliases ORDER BY name") == [
        ("champion", "opportune-intent-24h", 1),
        ("champion", "opportune-segments", 1),
    ]
    tags = rows(folder, "SELECT name, length(value) FROM model_version_tags WHERE key = 'bundle_sha256' ORDER BY name")
    names = ("opportune-intent-24h", "opportune-segments", "opportune-send-hour")
    assert tags == [(name, 64) for name in names]
    runs = rows(folder, "SELECT run_uuid, status FROM runs ORDER BY start_time")
    assert runs == [
        (each["mlflow_run_id"], "FINISHED") for each in (summary, summary["send_hour"], summary["segments"])
    ]


def test_where_nobody_has_hours_of_their_own_no_model_of_them_goes_into_service_and_it_says_why(home):
    _, said, summary = home
    found = summary["send_hour"]

    assert found["model_version"] == "opportune-send-hour/1"
    assert found["promoted"] is False
    assert found["reason"].startswith("no better than everybody's hours")
    assert set(found["global"]) == {"hit_at_1", "hit_at_3", "mrr", "log_loss"}
    assert "send hour: opportune-send-hour/1 not promoted: no better than everybody's hours" in said


def test_what_was_learned_of_people_is_taken_up_by_a_server_under_the_same_names(home, tmp_path):
    folder, said, summary = home
    looked = told(tmp_path, "serving.registry", "--once", REGISTRY=f"sqlite:///{folder}/mlflow.db")
    assert looked.returncode == 0, looked.stderr
    log = read_log(folder / "opportune.db")
    _, rows = people(log, log.span[1])
    served = in_service(tmp_path)
    found = [served.all_of(each)["rfm"] for each in rows]
    trained = {each["name"]: each["people"] for each in summary["segments"]["groups"] if each["family"] == "rfm"}

    assert "segments: opportune-segments/1 IN SERVICE: 11 by orders, " in said
    assert served.lineage["mlflow_run_id"] == summary["segments"]["mlflow_run_id"]
    assert {name: count for name, count in trained.items() if count} == {each: found.count(each) for each in set(found)}
    assert "<td>champions</td>" in (folder / "retrain" / "report-segments.html").read_text()


def test_the_run_keeps_parameters_metrics_report_plots_bundle_and_a_model_as_text(home):
    folder, _, summary = home
    artifacts = folder / "mlartifacts"
    kept = {
        path.relative_to(artifacts).as_posix().split("/artifacts/")[1]
        for path in artifacts.rglob("*")
        if path.is_file()
    }
    parameters = dict(rows(folder, "SELECT key, value FROM params"))
    metrics = dict(rows(folder, "SELECT key, value FROM metrics"))

    assert {"report.html", "logistic.json", "bundle/manifest.json", "bundle/model.txt"} <= kept
    assert {f"plots/{each}.png" for each in ("pr", "roc", "reliability", "lift", "shap")} <= kept
    assert {"model.lgb", "MLmodel"} <= kept
    assert not [each for each in kept if each.endswith((".pkl", ".pickle", ".joblib"))]
    assert parameters["horizon"] == "24h"
    assert metrics["test.roc_auc"] == pytest.approx(summary["roc_auc"])
    (model,) = artifacts.rglob("MLmodel")
    assert "signature" in model.read_text()
    assert "saved_input_example_info" in model.read_text()


def test_the_bundle_knows_where_it_comes_from(home):
    folder, _, summary = home
    (path,) = (each for each in folder.rglob("bundle/manifest.json") if (each.parent / "model.txt").exists())
    manifest = json.loads(path.read_text())
    lineage = manifest["lineage"]

    assert len(manifest["deciles"]) == 9
    assert manifest["deciles"] == sorted(manifest["deciles"])
    assert lineage["mlflow_run_id"] == summary["mlflow_run_id"]
    assert len(lineage["log"]["fingerprint"]) == 16
    assert lineage["log"]["from"].startswith("2017-07-01T")
    assert lineage["catalogue"] == CATALOGUE.fingerprint
    assert len(lineage["training_set"]) == 16


def test_every_version_and_its_run_say_in_tags_where_the_model_comes_from(home):
    folder, _, summary = home
    log = read_log(folder / "opportune.db")
    first, last = log.span
    expected = {
        "dataset": log.fingerprint,
        "log_from": iso(first),
        "log_until": iso(last),
        "log_seq": f"1 to {len(log.arrays)}",
        "catalogue": CATALOGUE.fingerprint,
        "git_commit": git_commit() or "unknown",
        "version": version("opportune"),
    }

    for name in ("opportune-intent-24h", "opportune-send-hour", "opportune-segments"):
        assert expected.items() <= version_tags(folder, name, 1).items()
    intent = version_tags(folder, "opportune-intent-24h", 1)
    run = dict(rows(folder, f"SELECT key, value FROM tags WHERE run_uuid = '{summary['mlflow_run_id']}'"))
    assert set(intent) == {*expected, "training_set", "bundle_sha256"}
    assert (expected | {"training_set": intent["training_set"]}).items() <= run.items()


def test_the_run_says_in_tags_what_each_rule_of_the_gate_said(home):
    folder, _, summary = home
    tags = dict(rows(folder, f"SELECT key, value FROM tags WHERE run_uuid = '{summary['mlflow_run_id']}'"))

    said = {key: value for key, value in tags.items() if key.startswith("gate.")}
    assert said == {f"gate.{each['name']}": f"holds: {each['words']}" for each in summary["rules"]}
    assert tags["gate"] == "promoted"
    assert tags["gate_reason"] == summary["reason"]
    hours = summary["send_hour"]
    tags = dict(rows(folder, f"SELECT key, value FROM tags WHERE run_uuid = '{hours['mlflow_run_id']}'"))
    assert {key for key in tags if key.startswith("gate.")} == {f"gate.{each['name']}" for each in hours["rules"]}
    assert tags["gate.everybody"].startswith("BROKEN: ")


def test_the_bundle_says_what_its_model_learned_from(home):
    folder, _, summary = home
    (path,) = (each for each in folder.rglob("bundle/manifest.json") if (each.parent / "model.txt").exists())
    manifest = verify(path.parent)
    found = read_reference(path.parent, manifest)

    assert set(found.features) == {each.name for each in manifest.features}
    assert {"product_viewed", "product_added", "order_completed", "asked within a day"} <= set(found.occasions)
    assert found.judged.rows == summary["rows"]
    assert found.judged.log_loss == summary["log_loss"]
    assert (path.parent / "reference.json").stat().st_size < 200_000


def test_feast_has_a_service_for_the_version(home):
    folder, _, _ = home

    assert b"opportune-intent-24h-v1" in (folder / "feast" / "registry.db").read_bytes()


def test_nothing_but_the_results_is_left_behind(home):
    folder, _, _ = home

    assert sorted(each.name for each in (folder / "retrain").iterdir()) == [
        "logistic-24h.json",
        "report-24h.html",
        "report-segments.html",
        "report-send-hour.html",
        "summary.json",
    ]


def test_retraining_on_the_same_log_replaces_nobody(home):
    folder, _, _ = home
    _, summary = retrained(folder, "--horizons", "24h")

    assert summary["promoted"] is False
    assert summary["reason"].startswith("nothing new")
    assert version_tags(folder, "opportune-intent-24h", 2) == {
        **version_tags(folder, "opportune-intent-24h", 1),
        "bundle_sha256": version_tags(folder, "opportune-intent-24h", 2)["bundle_sha256"],
    }
    aliases = "SELECT version FROM registered_model_aliases WHERE name = 'opportune-intent-24h' AND alias = 'champion'"
    assert rows(folder, aliases) == [(1,)]


def test_a_shop_where_nobody_orders_gets_no_model(tmp_path):
    write_log(tmp_path, a_shop(people=40, days=20, orders=False))
    said, summary = retrained(tmp_path, "--horizons", "24h,7d")

    assert summary["model_version"] is None
    assert summary["reason"].startswith("too few purchases to learn from")
    assert summary["horizons"]["7d"]["promoted"] is False
    assert "rule-recency-frequency scores instead" in said
    assert summary["recommendations"] is None
    assert "recommendations: none" in said
    assert not (tmp_path / "mlflow.db").exists()


def test_a_cutoff_before_all_that_is_known_teaches_nothing_and_takes_nothing_out_of_service(home):
    folder, *_ = home
    before = rows(folder, "SELECT name, alias, version FROM registered_model_aliases")
    kept = (folder / "retrain" / "summary.json").read_text()

    printed, summary = retrained(folder, "--cutoff", "2001-01-01")
    (folder / "retrain" / "summary.json").write_text(kept)

    assert "24h: no model. too few purchases to learn from: the log holds nothing from before 2001-01-01" in printed
    assert summary["segments"]["reason"] == "too few people to learn segments from: 0, and 200 are needed"
    assert rows(folder, "SELECT name, alias, version FROM registered_model_aliases") == before


def test_a_home_without_a_log_says_what_to_do(tmp_path):
    found = told(tmp_path, "training.retrain")

    assert found.returncode == 1
    assert "make import FILE=" in found.stderr


def test_the_command_line_is_read():
    asked = command_line(["--horizons", "24h, 3d,24h", "--cutoff", "2017-07-02"])

    assert asked.horizons == ("24h", "3d")
    assert asked.cutoff == JULY + DAY
    assert command_line(["--cutoff", "2017-07-02T02:00:00+02:00"]).cutoff == JULY + DAY


@pytest.mark.parametrize("wrong", [["--horizons", "24"], ["--horizons", ","], ["--cutoff", "yesterday"]])
def test_a_wrong_command_line_is_refused(wrong, capsys):
    with pytest.raises(SystemExit):
        command_line(wrong)

    assert "error: argument" in capsys.readouterr().err


def test_a_carry_over_that_is_none_is_called_by_its_name_and_no_horizon(capsys):
    with pytest.raises(SystemExit):
        command_line(["--carry-over", "x"])

    said = "argument --carry-over: 'x' is no duration: write hours or days, as in 24h or 7d\n"
    assert capsys.readouterr().err.endswith(said)
