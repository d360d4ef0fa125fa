"""Products: written, changed in part, read."""

from serving.driver import driver
from serving.products import read, upsert
from tests.serving.databases import NOW, a_database

LAMP = {"product_id": "p-1", "name": "Lamp", "price": 39.9, "attributes": {"colour": "green", "size": 3}}


def known(database, *ids):
    with database.connect() as connection:
        return read(driver(connection), ids)


def test_what_is_not_named_stays_and_null_takes_away(tmp_path):
    with a_database(tmp_path) as database:
        with database.begin() as connection:
            upsert(connection, [LAMP], at=NOW)
            upsert(connection, [{"product_id": "p-1", "stock": 0, "attributes": {"size": None}}], at=NOW)
            upsert(connection, [{"product_id": "p-1", "price": None}, {"product_id": "p-2"}], at=NOW)
        found = known(database, "p-1", "p-2", "p-3")

    assert set(found) == {"p-1", "p-2"}
    assert {name: value for name, value in found["p-1"].items() if value is not None} == {
        "product_id": "p-1",
        "name": "Lamp",
        "stock": 0,
        "attributes": {"colour": "green"},
    }


def test_of_a_product_told_twice_at_once_the_later_word_counts(tmp_path):
    with a_database(tmp_path) as database:
        with database.begin() as connection:
            upsert(connection, [LAMP, {"product_id": "p-1", "price": 5.0}], at=NOW)

        assert (known(database, "p-1")["p-1"]["name"], known(database, "p-1")["p-1"]["price"]) == ("Lamp", 5.0)
