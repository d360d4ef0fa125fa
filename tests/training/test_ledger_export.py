import csv
import json
from collections import Counter

import pandas as pd
import pytest
import vowpalwabbit

from features.catalog import CATALOGUE
from tests.training.experiments import Said, a_campaign, write_ledger
from training.ledger_export import main

CAMPAIGN = a_campaign(users=300, rates=(0.1, 0.3), share=0.3, days=3)


@pytest.fixture
def home(tmp_path, monkeypatch):
    write_ledger(tmp_path, [*CAMPAIGN, Said("held", 80.0, arm=None), Said("young", 119.0)], until=120.0)
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))
    return tmp_path


def test_parquet_has_every_decision_and_says_what_is_not_known(home):
    assert main(["parquet"]) == 0
    found = pd.read_parquet(home / "exports" / "ledger.parquet").set_index("user_key")

    assert len(found) == 302
    assert Counter(found["action"]) == Counter(
        {"control": sum(s.arm == "control" for s in CAMPAIGN), "send": sum(s.arm != "control" for s in CAMPAIGN) + 1}
        | {"hold": 1}
    )
    assert (found["orders"] > 0).sum() == sum(bool(each.ordered_after) for each in CAMPAIGN)
    assert pd.isna(found.loc["held", "orders"])
    assert not found.loc["young", "matured"]
    assert found["propensity"].between(0, 1, inclusive="right").all()
    assert [name for name in found if name.startswith("feature.")] == [f"feature.{each}" for each in CATALOGUE.names]


def test_open_bandit_columns_have_what_could_have_been_otherwise_and_is_over(home):
    assert main(["obp"]) == 0
    with (home / "exports" / "ledger.csv").open(newline="") as file:
        found = [*csv.DictReader(file)]

    assert [*found[0]][:6] == ["", "timestamp", "item_id", "position", "click", "propensity_score"]
    assert len(found) == len(CAMPAIGN)
    said = [
        (each.arm != "control", bool(each.ordered_after), 0.3 if each.arm == "control" else 0.7) for each in CAMPAIGN
    ]
    read = [(each["item_id"] == "1", each["click"] == "1", float(each["propensity_score"])) for each in found]
    assert read == said
    assert pd.to_datetime([each["timestamp"] for each in found]).is_monotonic_increasing


def test_dsjson_says_what_was_done_first(home):
    assert main(["dsjson"]) == 0
    lines = [json.loads(each) for each in (home / "exports" / "ledger.jsonl").read_text().splitlines()]

    assert len(lines) == len(CAMPAIGN)
    for line, said in zip(lines, CAMPAIGN, strict=True):
        done = 1 if said.arm == "control" else 2
        assert (line["_label_Action"], line["_labelIndex"], line["a"][0]) == (done, done - 1, done)
        assert line["_label_cost"] == -float(bool(said.ordered_after))
        assert line["_label_probability"] == line["p"][0]
        assert sum(line["p"]) == pytest.approx(1)


def test_vowpal_wabbit_reads_it_and_finds_who_is_worth_a_message(home):
    main(["dsjson"])
    file = home / "exports" / "ledger.jsonl"
    learner = vowpalwabbit.Workspace(f"--dsjson --cb_adf --cb_type ips -d {file} --ignore_linear U --quiet")
    found = learner.get_weighted_examples()
    always_send = [line for line in map(json.loads, file.read_text().splitlines()) if line["_label_Action"] == 2]
    learner.finish()

    assert found == len(CAMPAIGN)
    # By inverse propensities: what sending to everybody would have brought.
    worth = -sum(line["_label_cost"] / line["_label_probability"] for line in always_send) / len(CAMPAIGN)
    assert worth == pytest.approx(0.3, abs=0.08)


def test_a_file_can_be_named_and_one_trigger_chosen(home, tmp_path):
    assert main(["obp", "--out", str(tmp_path / "mine.csv"), "--trigger", "none"]) == 0

    assert (tmp_path / "mine.csv").read_text().count("\n") == 1


def test_where_there_is_no_ledger_that_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path / "none"))

    assert main(["parquet"]) == 1
    assert "there is no ledger to export" in capsys.readouterr().err
