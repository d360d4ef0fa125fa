"""Who is in which segment, when somebody is looked at again, what changed."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, String, Table

from serving.schema.definitions import RowId, metadata, partial

segment_members = Table(
    "segment_members",
    metadata,
    Column("segment", String(100), primary_key=True),
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("since", BigInteger, nullable=False),
    Index("segment_members_of_user", "user_no"),
    sqlite_with_rowid=False,
)

segment_looks = Table(
    "segment_looks",
    metadata,
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("looked_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    partial("segment_looks_due", "due_at", where="due_at IS NOT NULL"),
)

segment_changes = Table(
    "segment_changes",
    metadata,
    Column("change_id", RowId, primary_key=True),
    Column("user_no", BigInteger, ForeignKey("users.user_no"), nullable=False),
    Column("segment", String(100), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("entered", Boolean, nullable=False),
    Column("cause", String(16), nullable=False),
    Column("policy_version", String(64), nullable=False),
    Index("segment_changes_of_user", "user_no"),
)
