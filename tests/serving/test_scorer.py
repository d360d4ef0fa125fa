"""The models in service, and what every answer says of them."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from features.catalog import CATALOGUE
from models.bundle import load
from models.rule import RecencyFrequencyRule
from serving.scorer import MOST_CONTRIBUTIONS, scorer
from tests.models.bundles import FEATURES, a_bundle, some_rows
from tests.serving.engines import MEANINGS, Certain


@dataclass(frozen=True)
class Unsure(Certain):
    """A model that has no answer for every other row."""

    def predict(self, rows):
        found = super().predict(rows)
        found[::2] = np.nan
        return found


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return {"24h": load(a_bundle(tmp_path_factory.mktemp("bundle") / "3")), "7d": RecencyFrequencyRule("7d")}


def test_each_row_is_scored_by_the_model_of_each_horizon(models):
    rows = some_rows(7)
    found = scorer(models, MEANINGS).predict(rows)

    assert [list(each) for each in found] == [["24h", "7d"]] * 7
    for horizon, model in models.items():
        assert [each[horizon] for each in found] == model.predict(rows).tolist()


def test_a_row_scores_the_same_alone_and_among_others(models):
    rows = some_rows(20)
    found = scorer(models, MEANINGS)

    assert [found.predict(row[np.newaxis])[0] for row in rows] == found.predict(rows)


def test_nobody_asked_about_gives_no_answer(models):
    assert scorer(models, MEANINGS).predict(np.empty((0, CATALOGUE.n_features))) == []


def test_where_a_model_has_no_answer_there_is_none_and_the_others_stay():
    found = scorer({"24h": Unsure(0.5), "7d": Certain(0.25)}, MEANINGS).predict(some_rows(3))

    assert [each["24h"] for each in found] == [None, 0.5, None]
    assert [each["7d"] for each in found] == [0.25] * 3


def test_answers_are_json_of_plain_numbers(models):
    [answer] = scorer(models, MEANINGS).predict(some_rows(1))

    assert {type(each) for each in answer.values()} == {float}
    assert json.loads(json.dumps(answer)) == answer


def test_it_says_which_models_it_uses(models):
    found = scorer(models, MEANINGS)

    assert dict(found.versions) == {"24h": "opportune-intent-24h/3", "7d": "rule-recency-frequency/1"}
    assert json.loads(found.versions_json) == dict(found.versions)
    assert [(each.name, each.version, each.calibrated) for each in found.used.values()] == [
        ("opportune-intent-24h", "3", True),
        ("rule-recency-frequency", "1", False),
    ]


def test_an_explanation_names_features_with_their_meaning_and_value_the_strongest_first(models):
    row = some_rows(1)[0]
    explained = scorer(models, MEANINGS).explain(row)

    assert {each.feature for each in explained["24h"]} == set(FEATURES)
    for told in explained.values():
        moved = [abs(each.contribution) for each in told]
        assert moved == sorted(moved, reverse=True)
        for each in told:
            assert each.meaning == MEANINGS[each.feature]
            np.testing.assert_equal(each.value, row[CATALOGUE.names.index(each.feature)])


def test_an_explanation_is_no_longer_than_somebody_reads(tmp_path):
    features = CATALOGUE.names[: MOST_CONTRIBUTIONS + 5]
    model = load(a_bundle(tmp_path / "1", features=features))

    assert len(scorer({"24h": model}, MEANINGS).explain(some_rows(1)[0])["24h"]) == MOST_CONTRIBUTIONS


def test_replacing_a_model_afterwards_does_not_reach_in(models):
    given = dict(models)
    found = scorer(given, MEANINGS)
    given["24h"] = Certain(0.9)

    assert found.models["24h"] is models["24h"]
