"""What Feast holds: one packed state a user, and every feature of the catalogue read from it at a given moment."""

from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Bytes

from feature_repo.stores import home

user = Entity(
    name="user",
    join_keys=["user_key"],
    value_type=ValueType.STRING,
    description="A person: a user_id, or anonymous:<id> until one is known.",
)

states_in_log_order = FileSource(
    name="states_in_log_order",
    path=str(home() / "feast" / "states.parquet"),
    timestamp_field="event_timestamp",
    created_timestamp_column="created_timestamp",
    description="States as they were after chosen rows of the log; `make retrain` writes them.",
)

folded_states = PushSource(
    name="folded_states",
    batch_source=states_in_log_order,
    description="States as serving folds them, one at each commit of the log.",
)

user_state = FeatureView(
    name="user_state",
    entities=[user],
    schema=[Field(name="state", dtype=Bytes, description="All that is known of a user, packed; see features/state.py.")],
    source=folded_states,
    # No age limit: a state says itself when it was folded, and what decays in it does so when it is read.
    ttl=timedelta(0),
    online=True,
    description="The fold over a user's events.",
)
