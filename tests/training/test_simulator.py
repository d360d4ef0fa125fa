import json
from collections import Counter

import pytest

from features.kinds import Kind
from training.simulator import main, simulate
from training.world import World

WORLD = World(400, seed=5)


def events_of(world, days=21):
    return [json.loads(line) for line in simulate(world, days)]


def test_the_same_seed_gives_the_same_lines_and_another_one_others():
    assert list(simulate(WORLD, 5)) == list(simulate(WORLD, 5))
    assert list(simulate(WORLD, 5)) != list(simulate(World(400, seed=6), 5))


def test_every_kind_that_a_shop_and_its_mail_know_happens():
    named = Counter(each.get("event", each["type"]) for each in events_of(WORLD))

    expected = {"Product Viewed", "Product Added", "Checkout Started", "Order Completed", "Email Delivered"}
    assert expected | {"Email Opened", "Email Link Clicked", "identify"} <= named.keys()


def test_some_events_arrive_late_and_some_twice():
    found = [each for each in events_of(WORLD) if each["type"] == "track"]
    ids = Counter(each["messageId"] for each in found)

    twice = sum(count == 2 for count in ids.values()) / len(ids)
    assert set(ids.values()) == {1, 2}
    assert twice == pytest.approx(WORLD.duplicates, abs=0.01)
    latest, late = "", 0
    for each in found:
        late += each["timestamp"][:10] < latest[:10]
        latest = max(latest, each["timestamp"])
    assert late > 0


def test_a_world_where_all_is_in_time_has_each_event_once():
    found = [each for each in events_of(World(400, seed=5, late=0.0, duplicates=0.0)) if each["type"] == "track"]

    assert len({each["messageId"] for each in found}) == len(found)


def test_it_is_imported_as_it_is(tmp_path):
    from features.events import FLAG_MACHINE, FLAGS
    from serving.database import open_database
    from serving.history_import import import_history
    from serving.mapping_file import read_mapping
    from training.log import read_log

    main(["--users", "300", "--days", "15", "--seed", "5", "--out", str(tmp_path / "shop.jsonl.gz")])
    expected = [json.loads(line) for line in simulate(World(300, seed=5), 15)]
    database = open_database(tmp_path / "opportune.db")
    done = import_history(
        tmp_path / "shop.jsonl.gz",
        database=database,
        home=tmp_path,
        mapping=read_mapping(),
        received_at=1_800_000_000_000_000,
        strict=True,
    )
    database.dispose()

    unique = {each["messageId"] for each in expected}
    log = read_log(tmp_path / "opportune.db")
    flags = log.arrays.records[:, FLAGS].astype(int)
    by_machine = [each for each in expected if each.get("context", {}).get("userAgent")]
    assert done.rejected == 0
    assert (log.kinds != Kind.LINKED).sum() == len(unique)
    assert ((flags & FLAG_MACHINE) != 0).sum() == len({each["messageId"] for each in by_machine}) > 20


def test_it_says_that_nothing_of_it_is_real(tmp_path, capsys):
    main(["--users", "50", "--days", "2", "--out", str(tmp_path / "shop.jsonl")])

    assert "Nothing in it is real." in capsys.readouterr().out


def test_a_world_without_people_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--users", "0"])
    assert "'0' is no number above 0" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--seed", "-1"])
    assert "'-1' is no whole number from 0 on" in capsys.readouterr().err
