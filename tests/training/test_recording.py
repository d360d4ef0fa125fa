"""What a training leaves in Feast, after the catalogue changed."""

import copy

import pytest

from feature_repo import declarations
from feature_repo.model_services import apply_model_service
from feature_repo.stores import open_store
from features.catalog import CATALOGUE
from training.recording import declare

pytestmark = pytest.mark.filterwarnings("ignore")


def test_a_feature_that_the_catalogue_has_and_feast_does_not_yet_is_declared_there(tmp_path):
    store = open_store(tmp_path)
    before = copy.copy(declarations.user_features)
    before.features = before.features[:-1]
    store.apply([declarations.user, declarations.user_state, before])
    added = CATALOGUE.names[-1]
    with pytest.raises(KeyError, match=added):
        apply_model_service(store, "opportune-intent-24h", "2", [added])

    declare(store)

    assert apply_model_service(store, "opportune-intent-24h", "2", [added]).name == "opportune-intent-24h-v2"
