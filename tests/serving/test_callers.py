import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from serving.callers import RELOAD_S, Keyring, key_in
from serving.errors import HostRefused, KeyMissing, KeyUnknown
from serving.keys import SCOPES, create_key, read_keys
from serving.limits import Allowance
from tests.serving.databases import a_database


class Shelf:
    """A keyring over the real table, and how to add to it."""

    def __init__(self, database, *, open_without_keys=False, quota=0):
        self.database = database
        self.broken = False
        self.keyring = Keyring(self._read, allowance=Allowance(quota), open_without_keys=open_without_keys, now=0.0)

    def _read(self):
        if self.broken:
            raise OperationalError("SELECT", {}, Exception("disk I/O error"))
        with self.database.connect() as connection:
            return read_keys(connection)

    def add(self, name, *scopes):
        with self.database.begin() as connection:
            return create_key(connection, name, frozenset(scopes), created_at=1)

    def caller(self, key, now=0.0):
        return self.keyring.caller({b"x-api-key": key.encode()} if key is not None else {}, now)


@pytest.fixture
def shelf(tmp_path):
    with a_database(tmp_path) as database:
        yield Shelf(database)


def test_a_new_key_counts_within_a_second_and_a_revoked_one_no_longer(shelf):
    key = shelf.add("shop", "ingest")
    with pytest.raises(KeyUnknown):
        shelf.caller(key)

    assert shelf.caller(key, RELOAD_S).key.name == "shop"

    with shelf.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM api_keys")
    with pytest.raises(KeyUnknown):
        shelf.caller(key, 2 * RELOAD_S)


def test_an_administrator_may_do_everything(shelf):
    admin, shop = shelf.add("admin", "admin"), shelf.add("shop", "ingest")

    assert shelf.caller(admin, 1.0).scopes == SCOPES
    assert shelf.caller(shop, 1.0).scopes == {"ingest"}


def test_what_is_left_of_an_allowance_outlives_a_reload(tmp_path):
    with a_database(tmp_path) as database:
        shelf = Shelf(database, quota=1)
        key = shelf.add("shop", "ingest")

        assert shelf.caller(key, 1.0).bucket.take(1.0)
        assert not shelf.caller(key, 2.5).bucket.take(2.5)


def test_a_database_that_cannot_be_read_locks_nobody_out(shelf, caplog):
    key = shelf.add("shop", "ingest")
    shelf.caller(key, 1.0)
    shelf.broken = True

    assert shelf.caller(key, 3.0).key.name == "shop"
    assert "could not be read" in caplog.text


def test_on_loopback_everybody_may_do_everything_until_there_is_a_key(tmp_path):
    with a_database(tmp_path) as database:
        shelf = Shelf(database, open_without_keys=True)
        assert shelf.keyring.is_open
        assert shelf.caller(None).scopes == SCOPES
        assert shelf.caller("whatever an SDK was set up with").scopes == SCOPES

        shelf.add("shop", "ingest")

        with pytest.raises(KeyMissing):
            shelf.caller(None, RELOAD_S)
        assert not shelf.keyring.is_open


def test_elsewhere_nobody_may_do_anything_until_there_is_a_key(shelf):
    assert not shelf.keyring.is_open
    with pytest.raises(KeyMissing):
        shelf.caller(None)
    with pytest.raises(KeyUnknown):
        shelf.caller("")


@given(st.text(st.characters(codec="ascii", exclude_characters=":", exclude_categories=["Cc", "Zs"]), min_size=1))
def test_a_key_is_found_wherever_it_may_come(key):
    raw = key.encode()

    assert key_in({b"x-api-key": raw}) == raw
    assert key_in({b"authorization": b"Bearer " + raw}) == raw
    assert key_in({b"authorization": b"bearer  " + raw + b" "}) == raw
    assert key_in({b"authorization": b"Basic " + base64.b64encode(raw + b":")}) == raw
    assert key_in({b"authorization": b"BASIC " + base64.b64encode(raw + b":password")}) == raw


@pytest.mark.parametrize("value", [b"Digest x", b"Basic !", b"Basic", b"", b"\xff\xfe"])
def test_anything_else_in_authorization_is_no_key(shelf, value):
    with pytest.raises(KeyUnknown):
        shelf.keyring.caller({b"authorization": value}, 0.0)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:8000", "[::1]:8000", "127.1.2.3", None])
def test_a_server_without_keys_answers_under_the_names_of_its_own_machine(tmp_path, host):
    with a_database(tmp_path) as database:
        keyring = Shelf(database, open_without_keys=True).keyring

        assert keyring.caller({} if host is None else {b"host": host.encode()}, 0.0).scopes == SCOPES


@pytest.mark.parametrize(
    "host",
    ["shop.example", "127.0.0.1.shop.example:8000", "localhost.shop.example", "192.168.0.7", "[", "", "\xff", "a@[::1"],
)
def test_a_server_without_keys_refuses_a_name_that_may_mean_another(tmp_path, host):
    with a_database(tmp_path) as database:
        shelf = Shelf(database, open_without_keys=True)

        with pytest.raises(HostRefused):
            shelf.keyring.caller({b"host": host.encode("latin-1")}, 0.0)

        key = shelf.add("shop", "ingest")
        named = {b"host": host.encode("latin-1"), b"x-api-key": key.encode()}
        assert shelf.keyring.caller(named, RELOAD_S).key.name == "shop"
