"""What could not be used is kept with the reason."""

from serving.rejects import Reject, keep_rejects
from tests.serving.databases import NOW, a_database, rows
from tests.serving.engines import shop

__all__ = ["shop"]


def a_reject(**fields):
    given = {"source": "key shop", "place": "batch[3]", "field": "timestamp", "reason": "is no moment", "body": "{}"}
    return Reject(NOW, **(given | fields))


async def test_what_was_set_aside_is_kept_in_order_with_who_sent_it_and_why(shop):
    await shop.engine.set_aside([a_reject(place=f"batch[{n}]") for n in range(3)])

    assert shop.rows("SELECT received_at, source, place, field, reason, body FROM rejects ORDER BY reject_id") == [
        (NOW, "key shop", f"batch[{n}]", "timestamp", "is no moment", "{}") for n in range(3)
    ]


def test_nothing_set_aside_is_nothing_written(tmp_path):
    with a_database(tmp_path) as database:
        with database.begin() as connection:
            keep_rejects(connection, [])

        assert rows(database, "SELECT count(*) FROM rejects") == [(0,)]


def test_names_that_somebody_made_long_are_cut(tmp_path):
    with a_database(tmp_path) as database:
        with database.begin() as connection:
            keep_rejects(connection, [a_reject(source="s" * 1000, place="p" * 1000)])

        assert rows(database, "SELECT length(source), length(place) FROM rejects") == [(200, 200)]
