"""Endpoints that are gone."""

from serving.disabled import disable, disabled_endpoints
from serving.endpoints import webhook
from tests.serving.databases import NOW, database
from tests.serving.receivers import SECRET

__all__ = ["database"]


def test_an_endpoint_stays_disabled_until_its_address_is_changed(database):
    mail, moved = (webhook("mail", f"https://{host}.example/", SECRET) for host in ("old", "new"))
    with database.begin() as connection:
        said = disable(connection, mail, at=NOW)
        disable(connection, mail, at=NOW + 1)

    with database.connect() as connection:
        assert disabled_endpoints(connection, {"mail": mail}) == {"mail": said}
        assert disabled_endpoints(connection, {"mail": moved}) == {}
        assert disabled_endpoints(connection, {"sms": mail}) == {}
    assert "410" in said
