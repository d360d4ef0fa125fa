"""Every state can be folded again from the log."""

import pytest

from serving import rebuild as rebuild_module
from serving.rebuild import main, rebuild
from serving.states import StateKeeper
from tests.serving.engines import event, shop

__all__ = ["shop"]
CART = {"properties": {"product_id": "p", "price": 2, "quantity": 1}}
LATER = 1_900_000_000_000_000


@pytest.fixture
async def keys(shop):
    """Seven people, two of them under several ids; answers the keys that hold a state."""
    await shop.engine.ingest([event("Product Added", f"u{n}", n, **CART) for n in range(6)])
    await shop.engine.ingest([event("Product Added", None, 10, anonymousId=f"a{n}", **CART) for n in range(3)])
    await shop.engine.ingest([event("", "u0", 20, type="identify", anonymousId="a0")])
    await shop.engine.ingest([event("", "u1", 21, type="alias", previousId="u2")])
    await shop.engine.ingest([event("Product Added", "u0", 30, **CART)])
    await shop.engine.flush()
    return ["u0", "u1", "u3", "u4", "u5", "anonymous:a1", "anonymous:a2"]


@pytest.mark.parametrize("chunk", [1, 3, 2000])
async def test_all_states_are_stored_again_as_they_were_and_those_of_linked_ids_are_not(shop, keys, monkeypatch, chunk):
    monkeypatch.setattr(rebuild_module, "CHUNK", chunk)
    before = shop.online.read(keys)
    linked = ["anonymous:a0", "u2"]
    shop.online.write([(key, b"", LATER) for key in (*keys, *linked)])
    with shop.database.connect() as connection:
        count = rebuild(connection, StateKeeper(shop.online))

    assert count == len(keys)
    assert shop.online.read(keys) == before
    assert shop.online.read(linked) == [b"", b""]


async def test_the_command_says_how_many(shop, keys, monkeypatch, capsys):
    before = shop.online.read(keys)
    shop.online.write([(key, b"", LATER) for key in keys])
    monkeypatch.setenv("OPPORTUNE_HOME", str(shop.home))

    assert main() == 0
    assert capsys.readouterr().out == "7 states rebuilt from the log\n"
    assert shop.online.read(keys) == before


async def test_there_is_nothing_to_rebuild_in_an_empty_log(shop):
    with shop.database.connect() as connection:
        assert rebuild(connection, StateKeeper(shop.online)) == 0
