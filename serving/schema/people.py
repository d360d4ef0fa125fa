"""What is known of people besides what they do: what they said, what must not reach them, who is to be forgotten."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, String, Table, Text

from serving.schema.definitions import metadata

consents = Table(
    "consents",
    metadata,
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("purpose", String(80), primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("granted", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("source", String(32), nullable=False),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("subject", String(512), primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("reason", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
)

addresses = Table(
    "addresses",
    metadata,
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("address", String(320), primary_key=True),
    Index("addresses_of_users", "address"),
)

profiles = Table(
    "profiles",
    metadata,
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("field", String(100), primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("key_hash", String(64), primary_key=True),
    Column("erased_at", BigInteger, nullable=False),
)

refusals = Table(
    "refusals",
    metadata,
    Column("key_hash", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
)
