"""What all tables are declared with."""

from sqlalchemy import BigInteger, Index, Integer, MetaData, TextClause, text

metadata = MetaData()

RowId = BigInteger().with_variant(Integer(), "sqlite")
"""A row's own number: SQLite gives these only to columns declared exactly INTEGER."""


def partial(name: str, *columns: str | TextClause, where: str) -> Index:
    """Return an index of the rows for which `where` holds, a condition in SQL."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))
