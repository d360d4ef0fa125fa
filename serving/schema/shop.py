"""What the installation itself keeps: its keys, its products, facts of its own."""

from sqlalchemy import BigInteger, Column, Float, String, Table, Text

from serving.schema.definitions import metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_hash", String(64), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("scopes", String(100), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

products = Table(
    "products",
    metadata,
    Column("product_id", String(256), primary_key=True),
    Column("name", Text),
    Column("price", Float),
    Column("currency", String(3)),
    Column("image_url", Text),
    Column("url", Text),
    Column("category", Text),
    Column("stock", BigInteger),
    Column("attributes", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

facts = Table(
    "facts",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("value", Text, nullable=False),
)
