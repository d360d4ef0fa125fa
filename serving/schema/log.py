"""The log: who there is, what they did, and what is left of what was forgotten."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, text

from serving.schema.definitions import RowId, metadata, partial

ORDER_ID: Final = "CAST(json_extract({}payload, '$.properties.order_id') AS TEXT)"
"""The shop's own id of the order that an event is about; of which table, with its dot, is filled in."""

users = Table(
    "users",
    metadata,
    Column("user_no", RowId, primary_key=True),
    Column("user_key", String(512), nullable=False, unique=True),
    Column("merged_into", BigInteger, ForeignKey("users.user_no")),
    Column("last_seq", BigInteger, nullable=False),
    Column("last_known_at", BigInteger, nullable=False),
    Column("timezone", String(64)),
    Column("excluded", String(32)),
    Column("unit", String(512), nullable=False),
    Column("last_seen_at", BigInteger, nullable=False, server_default="0"),
    Index("users_merged", "merged_into"),
)

events = Table(
    "events",
    metadata,
    Column("seq", RowId, primary_key=True),
    Column("user_no", BigInteger, ForeignKey("users.user_no"), nullable=False),
    Column("message_id", String(100), nullable=False, unique=True),
    Column("known_at", BigInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("origin", String(16), nullable=False),
    Column("linked_no", BigInteger, ForeignKey("users.user_no")),
    Column("record", LargeBinary, nullable=False),
    Column("payload", Text, nullable=False),
    Column("prev_seq", BigInteger),
    partial("orders_by_id", text(ORDER_ID.format("")), where="kind = 17"),
)

kept_states = Table(
    "kept_states",
    metadata,
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("owner_no", BigInteger, ForeignKey("users.user_no")),
    Column("seq", BigInteger, nullable=False),
    Column("known_at", BigInteger, nullable=False),
    Column("state", LargeBinary),
)
"""What is left of the events of an id that the log forgot: the state they folded to, or whose id it had become."""

rejects = Table(
    "rejects",
    metadata,
    Column("reject_id", RowId, primary_key=True),
    Column("received_at", BigInteger, nullable=False),
    Column("source", String(200), nullable=False),
    Column("place", String(200), nullable=False),
    Column("field", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),
)

reports = Table(
    "reports",
    metadata,
    Column("report_id", String(100), primary_key=True),
    Column("source", String(100), nullable=False),
    Column("name", String(256), nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("machine", Boolean, nullable=False),
)
"""What was told about nobody whom the log knows, without a word of who it was."""

unknown_names = Table(
    "unknown_names",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seen", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("nearest", Text),
)
