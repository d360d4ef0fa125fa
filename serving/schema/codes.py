"""Discount codes, which are nobody's, and who was given which."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table

from serving.schema.definitions import RowId, metadata, partial

codes = Table(
    "codes",
    metadata,
    Column("code_id", RowId, primary_key=True),
    Column("code", String(200), nullable=False, unique=True),
    Column("pool", String(100), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("handed_at", BigInteger),
    partial("codes_left", "pool", "expires_at", "code_id", where="handed_at IS NULL"),
)
"""What was handed out stays, so that importing it again, or erasing who had it, does not bring it back."""

code_holders = Table(
    "code_holders",
    metadata,
    Column("code", String(200), primary_key=True),
    Column("pool", String(100), nullable=False),
    Column("user_no", BigInteger, ForeignKey("users.user_no"), nullable=False),
    Column("trigger", String(100), nullable=False),
    Column("key", String(256), nullable=False),
    Column("event_seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("code_holders_of_event", "event_seq"),
    Index("code_holders_of_user", "user_no"),
)
