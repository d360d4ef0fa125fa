"""Standings outside of a batch: what imported events teach. Within one, see `test_guards`."""

from policy.watch import Watch
from serving.history_append import append_history
from serving.standings import Standings
from tests.serving.databases import connection
from tests.serving.engines import SECOND, START, event

__all__ = ["connection"]


def rows(connection, query):
    return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_what_imported_events_say_is_written_down_at_the_moment_they_said_it(connection):
    told = [
        event("", None, 1, type="identify", anonymousId="a", traits={"email": "a@b.c", "consents": {"news": False}}),
        event("", "u", 2, type="identify", traits={"consents": {"news": True}}),
        event("", "u", 3, type="identify", anonymousId="a"),
        event("Email Marked as Spam", "u", 4),
    ]
    append_history(connection, told, origin="test", received_at=START + 9 * SECOND)
    of_u = "JOIN users USING (user_no) WHERE user_key = 'u'"

    assert rows(connection, f"SELECT purpose, channel, granted, at FROM consents {of_u}") == [
        ("news", "*", 0, START + SECOND)
    ]
    assert rows(connection, f"SELECT address FROM addresses {of_u}") == [("a@b.c",)]
    assert rows(connection, "SELECT kind, subject, reason FROM suppressions ORDER BY kind") == [
        ("address", "a@b.c", "complained"),
        ("user", "u", "complained"),
    ]


def test_where_nobody_is_asked_about_and_nothing_was_said_nothing_is_read(connection):
    statements = []
    raw = connection.connection.driver_connection
    raw.set_trace_callback(statements.append)
    standings = Standings(connection, Watch(consents=True, sends_us=1, orders_us=1))
    standings.prepare([], [], at=0)
    standings.save()
    raw.set_trace_callback(None)

    assert statements == []
