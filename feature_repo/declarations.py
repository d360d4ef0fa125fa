"""What Feast holds: one packed state a user, and every feature of the catalogue read from it at a given moment."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, RequestSource, ValueType
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Bytes, Float64, Int64, String

from feature_repo.model_services import model_services
from feature_repo.stores import home
from features.catalog import CATALOGUE

user = Entity(
    name="user",
    join_keys=["user_key"],
    value_type=ValueType.STRING,
    description="A person: a user_id, or anonymous:<id> until one is known.",
)


def state_view(states: Path) -> FeatureView:
    """Return the view of the packed states, whose history is in the Parquet file `states`."""
    history = FileSource(
        name="states_in_log_order",
        path=str(states),
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",
        description="States as they were after chosen rows of the log; training.offline.write_states writes them.",
    )
    return FeatureView(
        name="user_state",
        entities=[user],
        # Feast joins by the moment alone, without a word, where a view does not name its key here.
        schema=[
            Field(name="user_key", dtype=String),
            Field(name="state", dtype=Bytes, description="All that is known of a user, packed."),
        ],
        source=PushSource(name="folded_states", batch_source=history, description="States as serving folds them."),
        # No age limit: a state says itself when it was folded, and what decays in it does so when it is read.
        ttl=timedelta(0),
        online=True,
        description="The fold over a user's events.",
    )


user_state = state_view(home() / "feast" / "states.parquet")

question = RequestSource(
    name="question",
    schema=[Field(name="as_of", dtype=Int64, description="The moment of the question, in µs since the epoch.")],
    description="What the asker must say.",
)


@on_demand_feature_view(
    sources=[user_state, question],
    schema=[Field(name=name, dtype=Float64) for name in CATALOGUE.names],
    mode="pandas",
    # Meanings are tags: a field with a description is not the field Feast infers, and `apply` refuses the view.
    tags=dict(zip(CATALOGUE.names, CATALOGUE.meanings, strict=True)),
    description="Every feature of the catalogue as of the moment of the question; NaN where there is no answer.",
)
def user_features(inputs: pd.DataFrame) -> pd.DataFrame:
    """Return read(state, as_of) for each row; a state that is absent, damaged or newer than as_of has no answers."""
    # Feast runs the text of this function in other processes, which know none of this module's names.
    from feature_repo.reading import read_packed

    return read_packed(inputs["state"], inputs["as_of"])


intent = FeatureService(
    name="intent",
    features=[user_features],
    description="Every feature, in the catalogue's order; what the next models may learn from.",
)

# Feast finds declarations among a module's attributes, and drops from its registry what it does not find.
globals().update({each.name: each for each in model_services(user_features, home() / "bundles")})
