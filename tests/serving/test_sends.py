"""What was sent lately."""

from policy.caps import Sent
from serving import sends
from serving.people import People
from tests.serving.databases import a_database


def test_what_was_sent_lately_is_read_by_user_and_follows_a_link(tmp_path):
    first, second, third = Sent(10, "email", "a"), Sent(20, "sms", "b"), Sent(30, "email", "a")
    with a_database(tmp_path) as database, database.begin() as connection:
        people = People(connection)
        people.find(["u", "w"])
        for key in ("u", "w"):
            people.obtain(key).changed = True
        people.save()
        sends.remember(connection, [(1, first), (1, second), (2, third)])
        sends.remember(connection, [])
        assert sends.lately(connection, [1, 2], after=10) == {1: [second], 2: [third]}

        sends.follow(connection, [(1, 2)])
        assert sends.lately(connection, [1, 2], after=0) == {1: [first, second, third]}
