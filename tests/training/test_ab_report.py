import json
import os
import re
import subprocess

import pandas as pd
import pytest

from tests.commands import told
from tests.preloaded.python import PYTHON
from tests.training.experiments import Said, a_campaign, rows_of, write_ledger
from training.ab_report import _parser
from training.registry import Registry

POLICY = """
triggers:
  - {name: cart, on: Product Added, threshold: 0, cool_down: 1d, mode: live, experiment: spring}
experiments:
  - {name: spring, users: 3000}
"""


def reported(home, *arguments, code=0):
    """Give the command, and return what it printed and what it complained of."""
    found = told(home, "training.ab_report", *arguments, TRIGGERS=home / "triggers.yaml")
    assert found.returncode == code, found.stderr
    return found.stdout, found.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with an experiment that works, reported on."""
    folder = tmp_path_factory.mktemp("home")
    alone = Said("alone", 5.0, trigger="no-control")
    write_ledger(folder, [alone, *a_campaign(users=3200, rates=(0.10, 0.18), share=0.3, days=30)], until=24 * 33)
    (folder / "triggers.yaml").write_text(POLICY)
    Registry(folder)  # which takes a process seconds to make
    environment = {**os.environ, "OPPORTUNE_HOME": str(folder), "OPPORTUNE_TRIGGERS": str(folder / "triggers.yaml")}
    command = [PYTHON, "-m", "training.ab_report"]
    found = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert found.returncode == 0, found.stderr
    return folder, found.stdout, found.stderr


def test_the_verdict_is_one_sentence_on_screen_on_the_page_and_in_the_summary(home):
    folder, said, _ = home
    summary = json.loads((folder / "report" / "spring" / "summary.json").read_text())
    page = (folder / "report" / "spring" / "report.html").read_text()
    sentence = summary["treatments"]["treatment"]["sentence"]

    assert sentence.startswith("Ship treatment: of every 1,000 users ")
    assert f"spring: {sentence}" in said
    assert f"<b>{sentence}</b>" in page
    assert summary["treatments"]["treatment"]["verdict"] == "ship"


def test_an_experiment_that_cannot_be_judged_does_not_keep_back_the_others(home):
    folder, said, complaint = home

    assert complaint == "report: no-control: nobody to compare: {'control': 0, 'treatment': 1}\n"
    assert "no-control" not in said
    assert not (folder / "report" / "no-control").exists()


def test_the_page_needs_nothing_else(home):
    page = (home[0] / "report" / "spring" / "report.html").read_text()

    assert page.count("data:image/png;base64,") == 4
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    assert "http" not in page


def test_every_look_is_a_run_inside_the_run_of_the_experiment(home):
    database = home[0] / "mlflow.db"
    experiments = dict(rows_of(database, "SELECT name, experiment_id FROM experiments"))
    runs = rows_of(database, f"SELECT run_uuid, name FROM runs WHERE experiment_id = {experiments['spring']}")
    [parent] = [run for run, name in runs if name == "report spring"]
    nested = rows_of(database, f"SELECT run_uuid FROM tags WHERE key = 'mlflow.parentRunId' AND value = '{parent}'")
    summary = json.loads((home[0] / "report" / "spring" / "summary.json").read_text())
    looks = summary["treatments"]["treatment"]["looks"]

    assert len(nested) == len(runs) - 1 == len(looks)
    metrics = dict(rows_of(database, f"SELECT key, value FROM metrics WHERE run_uuid = '{parent}'"))
    assert metrics["estimate"] == pytest.approx(looks[-1]["estimate"])
    assert metrics["matured_users"] == 3200
    tags = dict(rows_of(database, f"SELECT key, value FROM tags WHERE run_uuid = '{parent}'"))
    assert tags["verdict.treatment"] == "ship"
    [kept] = (home[0] / "mlartifacts").glob(f"**/{parent}/artifacts/report.html")
    assert kept.read_text() == (home[0] / "report" / "spring" / "report.html").read_text()
    assert [*kept.parent.glob("tables/*.json")]


def test_an_experiment_that_was_run_elsewhere_is_judged_from_its_table(tmp_path):
    table = pd.DataFrame({"group": ["none", "mail"] * 1500, "bought": ([0] * 18 + [1, 1]) * 150, "age": range(3000)})
    table.to_csv(tmp_path / "mail.csv", index=False)
    columns = ("--arm", "group", "--outcome", "bought", "--control", "none", "--shares", "none=1,mail=1")
    said, _ = reported(tmp_path, "--file", str(tmp_path / "mail.csv"), *columns)
    summary = json.loads((tmp_path / "report" / "mail" / "summary.json").read_text())

    assert said.startswith("mail: Inconclusive: with all planned users there is no proof that mail is better")
    found = summary["treatments"]["mail"]
    assert [each["name"] for each in found["end"]["primary"]] == ["converted", "converted"]
    assert found["sample_ratio"]["counts"] == [1500, 1500]


def test_what_cannot_be_judged_is_said_in_one_line(tmp_path):
    _, complaint = reported(tmp_path, code=1)

    assert complaint == f"report: {tmp_path}/opportune.db does not exist: there is no ledger to report from\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--users", "0"],
        ["--looks", "31"],
        ["--window", "soon"],
        ["--effect", "much"],
        ["--shares", "control"],
        ["--shares", "control=-1,b=2"],
    ],
)
def test_a_command_line_that_cannot_be_meant_is_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        _parser().parse_args(arguments)

    assert f"argument {arguments[0]}" in capsys.readouterr().err


def test_shares_are_said_by_arm():
    assert _parser().parse_args(["--shares", "control=1, new page=9"]).shares == {"control": 1.0, "new page": 9.0}
    assert _parser().parse_args(["--effect", "10%"]).effect == pytest.approx(0.1)
