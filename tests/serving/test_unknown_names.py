import pytest
from sqlalchemy import create_engine

from serving import unknown_names
from serving.schema import metadata
from serving.unknown_names import count_unknown


@pytest.fixture
def connection():
    engine = create_engine("sqlite://")
    with engine.begin() as opened:
        metadata.create_all(opened)
        yield opened
    engine.dispose()


def listed(connection):
    return [tuple(row) for row in connection.exec_driver_sql("SELECT * FROM unknown_names ORDER BY name")]


def test_counts_add_up_and_the_nearest_name_is_asked_for_once(connection):
    asked = []

    def nearest(name):
        asked.append(name)
        return "Product Viewed" if name == "Prodct Viewed" else None

    count_unknown(connection, {"Prodct Viewed": 2, "Kauf": 1}, at=5, nearest=nearest)
    count_unknown(connection, {"Prodct Viewed": 3}, at=4, nearest=nearest)
    count_unknown(connection, {}, at=9, nearest=nearest)

    assert listed(connection) == [("Kauf", 1, 5, None), ("Prodct Viewed", 5, 5, "Product Viewed")]
    assert asked == ["Prodct Viewed", "Kauf"]


def test_names_made_up_for_each_event_do_not_fill_the_table(connection, monkeypatch):
    monkeypatch.setattr(unknown_names, "_MOST_NAMES", 3)

    count_unknown(connection, {f"viewed product {number}": 1 for number in range(5)}, at=5, nearest=lambda _: None)
    count_unknown(connection, {"viewed product 0": 1, "another": 1}, at=6, nearest=lambda _: None)

    assert [row[:2] for row in listed(connection)] == [
        ("viewed product 0", 2),
        ("viewed product 1", 1),
        ("viewed product 2", 1),
    ]
