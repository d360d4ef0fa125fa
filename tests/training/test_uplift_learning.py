import contextlib
import io
from pathlib import Path

import numpy as np
import pytest

from features.catalog import CATALOGUE
from models.uplift_bundle import load
from tests.training.decided import TRIGGER, write_decisions
from training.uplift_learning import main
from training.world_decisions import moments

PRICED = ["--order-value", "20", "--contact-cost", "0.6", "--unsubscribe-cost", "20"]
NAME = f"opportune-uplift-{TRIGGER}"


def learned(home, kind, users):
    """Return what is printed of a ledger in which half of the people were held out of messages to everybody."""
    write_decisions(home, moments(kind, users, seed=6), exploration=0.0, threshold=0.0, hold_out=0.5)
    return told(home)


def told(home):
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as said:
        patch.setenv("OPPORTUNE_HOME", str(home))
        patch.delenv("OPPORTUNE_REGISTRY", raising=False)
        main([TRIGGER, *PRICED])
    return said.getvalue()


def registered(home):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    return client, client.search_registered_models(filter_string=f"name = '{NAME}'")


@pytest.mark.filterwarnings("ignore")
def test_where_a_message_persuades_some_the_winner_is_learned_registered_and_promoted(tmp_path):
    said = learned(tmp_path, "persuadable", 5000)

    client, [found] = registered(tmp_path)
    version = client.get_model_version(NAME, found.aliases["champion"])
    bundle = load(Path(client.download_artifacts(version.run_id, "bundle", str(tmp_path))), version="1")
    assert f"{TRIGGER}: switch: Qini of the" in said
    assert f"{NAME}/1, a {bundle.learner} of" in said
    assert f"{TRIGGER}: {version.description}" in said
    again = told(tmp_path)
    assert f"{NAME}/2, a {bundle.learner} of" in again
    assert {name: int(each) for name, each in registered(tmp_path)[1][0].aliases.items()} == {
        "champion": 2,
        "former": 1,
    }
    # 0.6 for the message and, of some in a hundred, 20 for who leaves by it: a little above 3 % of 20.
    assert 0.03 < bundle.pays < 0.04
    at = moments("persuadable", 2000, seed=7)
    rows = np.zeros((at.user.size, CATALOGUE.n_features))
    rows[:, : at.features.shape[1]] = at.features
    assert np.corrcoef(bundle.predict(rows, at.score), at.if_sent - at.if_held)[0, 1] > 0.5


@pytest.mark.filterwarnings("ignore")
def test_where_intent_ranks_like_uplift_nothing_is_registered_and_the_reason_is_told(tmp_path):
    said = learned(tmp_path, "proportional", 3000)

    assert f"{TRIGGER}: no usable heterogeneity: Qini of the" in said
    assert said.endswith("nothing is registered\n")
    assert registered(tmp_path)[1] == []


def test_a_trigger_without_decisions_is_named_beside_those_that_have_some(tmp_path, monkeypatch, capsys):
    write_decisions(tmp_path, moments("even", 50, seed=1), exploration=0.0)
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))

    with pytest.raises(SystemExit) as ended:
        main(["win-back", *PRICED])

    assert ended.value.code == 2
    assert "there are: warm-cart" in capsys.readouterr().err


def test_a_home_without_decisions_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))

    with pytest.raises(SystemExit, match="there are no decisions yet"):
        main([TRIGGER])
