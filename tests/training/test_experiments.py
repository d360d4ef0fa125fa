from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from policy.source import PolicyRefused
from tests.training.experiments import Said, a_campaign, write_ledger
from training.experiment import NoExperiment
from training.experiment_report import judge
from training.experiment_table import Columns
from training.experiments import Wanted, of_ledger, of_table, open_book

TRIGGERS = """
triggers:
  - {name: cart, on: Product Added, threshold: 0, cool_down: 1d, mode: live, experiment: spring}
  - {name: browse, on: Product Viewed, threshold: 0, cool_down: 1d, mode: live, experiment: spring}
  - {name: win-back, on: Order Completed, threshold: 0, cool_down: 1d, mode: live}
experiments:
  - {name: spring, users: 5000, window: 12h, looks: 10, revenue_cap: 100, unsubscribed: 0.5%}
"""


@pytest.fixture
def home(tmp_path):
    said = [
        *a_campaign(users=400, rates=(0.2, 0.3), share=0.1),
        *(Said(f"b-{i}", i, trigger="browse", arm=("treatment", "control")[i % 10 == 0]) for i in range(40)),
        *(Said(f"w-{i}", i, trigger="win-back", arm=("treatment", "control")[i % 10 == 0]) for i in range(40)),
        *(Said(f"g-{i}", i, trigger="gone", arm=("treatment", "control")[i % 10 == 0]) for i in range(40)),
    ]
    write_ledger(tmp_path, said, until=24 * 30)
    (tmp_path / "triggers.yaml").write_text(TRIGGERS)
    return tmp_path


def experiments(home, **wanted):
    book = open_book(home / "opportune.db", home / "triggers.yaml")
    names = [wanted["experiment"]] if "experiment" in wanted else book.members
    return {name: of_ledger(Wanted(**wanted), book, name) for name in names}


def test_triggers_of_one_experiment_are_judged_together_and_all_others_alone(home):
    found = experiments(home)

    assert list(found) == ["gone", "spring", "win-back"]
    assert len(found["spring"].units) == 440
    assert set(found["spring"].units.groups["trigger"]) == {"cart", "browse"}


def test_the_plan_is_that_of_the_policy_file(home):
    plan = experiments(home)["spring"].plan

    assert (plan.users, plan.registered, plan.looks, plan.cap) == (5000, True, 10, 100.0)
    assert plan.window == timedelta(hours=12)
    assert plan.shares == (0.1, 0.9)
    assert plan.margins == {"unsubscribed": 0.005, "complained": 0.001}


def test_a_table_with_moments_ends_with_a_last_look_and_explains_nothing_by_what_came_after(tmp_path):
    random = np.random.default_rng(1)
    arm, hour = random.integers(0, 2, 3000), pd.to_datetime("2026-01-01") + pd.to_timedelta(np.arange(3000), "h") / 10
    outcome = (random.random(3000) < np.where(arm == 1, 0.13, 0.1)).astype(int)
    table = pd.DataFrame({"arm": np.where(arm == 1, "mail", "control"), "outcome": outcome, "at": hour.astype(str)})
    clicked = outcome * random.integers(0, 2, 3000) + 2 * arm * (random.random(3000) < 0.5)
    table.assign(clicks=clicked, age=random.normal(40, 9, 3000)).to_csv(tmp_path / "mail.csv", index=False)

    found = of_table(Wanted(), tmp_path / "mail.csv", Columns(at="at"), None)
    [judged] = judge(found.units, found.plan, found.notes).judged

    assert judged.comparison.last.time == 1.0
    assert judged.ending is not None
    assert list(found.units.covariates) == ["age"]
    assert "the arms differ in it by more than chance makes: clicks" in found.notes[0]


def test_where_no_plan_was_made_one_is_calculated_and_said_to_be(home):
    plan = experiments(home)["win-back"].plan

    assert not plan.registered
    assert plan.users > 1000
    assert plan.window == timedelta(hours=24)


def test_the_command_line_has_the_last_word(home):
    plan = experiments(home, experiment="spring", users=77, looks=3, window=timedelta(hours=6), cap=5.0)["spring"].plan

    assert (plan.users, plan.looks, plan.window, plan.cap) == (77, 3, timedelta(hours=6), 5.0)


def test_an_experiment_that_is_not_there_is_refused_and_those_that_are_told(home):
    with pytest.raises(NoExperiment, match="no experiment summer; it has gone, spring, win-back"):
        experiments(home, experiment="summer")


def test_without_a_policy_file_every_trigger_is_an_experiment(home):
    (home / "triggers.yaml").unlink()

    assert list(experiments(home)) == ["browse", "cart", "gone", "win-back"]


def test_a_policy_file_that_is_wrong_is_not_taken_for_none(home):
    (home / "triggers.yaml").write_text("triggers: [{name: cart}]")

    with pytest.raises(PolicyRefused):
        experiments(home)


def test_changed_shares_are_told(tmp_path):
    before = [Said(f"old-{i}", i, propensity=0.5, arm=("control", "treatment")[i % 2]) for i in range(20)]
    after = [Said(f"new-{i}", 100 + i, arm=("treatment", "control")[i % 10 == 0]) for i in range(20)]
    write_ledger(tmp_path, [*before, *after], until=2000)

    [note] = experiments(tmp_path)["cart"].notes

    assert note.startswith("The shares of the arms were changed on 2026-01-05T")
    assert "21 users" in note


def test_a_home_without_a_ledger_is_told(tmp_path):
    with pytest.raises(NoExperiment, match="no ledger to report from"):
        experiments(tmp_path)


def test_a_table_is_complete_when_it_says_no_moments(tmp_path):
    pd.DataFrame({"arm": ["a", "b"] * 50, "outcome": [0, 1] * 50}).to_csv(tmp_path / "mail.csv", index=False)
    found = of_table(Wanted(), tmp_path / "mail.csv", Columns(), {"a": 1, "b": 3})

    assert (found.plan.name, found.plan.users, found.plan.shares) == ("mail", 100, (0.25, 0.75))
    with pytest.raises(NoExperiment, match="the shares name a, c, and the arms are a, b"):
        of_table(Wanted(), tmp_path / "mail.csv", Columns(), {"a": 1, "c": 1})
