"""What would have changed under another policy: rehearsed on a home's log, which stays as it is."""

import gc
import json
import shutil
from hashlib import blake2b
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from serving.database import open_database
from serving.suppressions import USER, Suppression, add
from serving.what_if import main
from tests.serving.engines import START, Shop, event

DAY_S = 86_400
PRESENT = """
triggers:
  - {name: cart, on: Product Added, threshold: 0, cool_down: 0, hold_out: 0, mode: live}
  - {name: gone, on: Product Added, threshold: 0, cool_down: 0, hold_out: 0, mode: live}
"""
OTHER = """
triggers:
  - {name: cart, on: Product Added, threshold: 0, cool_down: 1d, hold_out: 0, mode: live}
  - {name: new, on: Product Added, after: 30 min, threshold: 0, cool_down: 0, hold_out: 0, mode: dry_run,
     when: {count: {event: Order Completed, at_least: 1}}}
"""


def contents(home):
    """What the files hold, but for the empty ones that SQLite keeps beside a database while it is read."""
    files = [each for each in sorted(home.rglob("*")) if each.is_file() and "what-if" not in each.parts]
    kept = [each for each in files if not each.name.endswith("-shm") and each.stat().st_size]
    return {str(each): blake2b(each.read_bytes()).hexdigest() for each in kept}


@pytest.fixture
async def home(tmp_path, monkeypatch):
    """A home whose log begins on 14 November 2023, and a present policy."""
    folder = tmp_path / "home"
    folder.mkdir()
    shop = Shop(folder)
    bought = event("Order Completed", None, 0, anonymousId="v", properties={"order_id": "o", "total": 9})
    await shop.engine.ingest([bought, event("", "u", 1, type="identify", anonymousId="v", traits={})])
    await shop.engine.ingest([event("Product Added", who, DAY_S * day) for day in (2, 2.05, 3.5) for who in "uw"])
    shop.close()
    # The online store closes its database when nobody holds it any more, and not while somebody compares the files.
    del shop
    gc.collect()
    (tmp_path / "present.yaml").write_text(PRESENT)
    (tmp_path / "other.yaml").write_text(OTHER)
    monkeypatch.setenv("OPPORTUNE_HOME", str(folder))
    monkeypatch.setenv("OPPORTUNE_TRIGGERS", str(tmp_path / "present.yaml"))
    monkeypatch.chdir(tmp_path)
    return folder


def ask(*more, first="2023-11-15"):
    return main(["other.yaml", "--from", first, "--to", "2023-12-01", *more])


def summary(home):
    return json.loads((home / "what-if" / "summary.json").read_text())["triggers"]


def test_each_trigger_is_compared_by_messages_and_by_reasons(home, capsys):
    code = ask()
    found = summary(home)

    assert code == 0
    assert found["cart"] == {
        "present": {"sends": 6, "control": 0, "holds": {}, "objections": {}},
        "other": {"sends": 4, "control": 0, "holds": {"cooling_down": 2}, "objections": {}},
        # Two users on two days; what was sent twice on a day counts once.
        "both": 4,
        "only_present": 0,
        "only_other": 0,
    }
    assert (found["gone"]["only_present"], found["gone"]["other"]["sends"]) == (4, 0)
    assert "cart: cooling_down" in capsys.readouterr().out


def test_what_happened_before_is_history_links_included_and_arms_nothing(home):
    ask()
    holds = summary(home)["new"]["other"]["holds"]

    # The order was that of the visitor whom u turned out to be; each of two adds on the 16th and one on the 18th.
    assert holds == {"dry_run": 3, "condition_not_met": 3}
    ask(first="2023-11-17")
    assert summary(home)["new"]["other"]["holds"] == {"dry_run": 1, "condition_not_met": 1}


def test_what_is_in_dry_run_may_be_rehearsed_as_if_live(home, capsys):
    ask()
    assert "In dry run, so that they send nothing: new; AS_LIVE=1" in capsys.readouterr().out

    ask("--as-live")
    assert summary(home)["new"]["other"]["sends"] == summary(home)["new"]["only_other"] + 1 == 3


def test_the_home_stays_as_it_is(home):
    before = contents(home)

    assert ask() == 0
    assert contents(home) == before


def test_the_picture_shows_every_trigger(home):
    ask()
    drawn = ET.parse(home / "what-if" / "what-if.svg").getroot()
    texts = [each.text for each in drawn.iter() if each.tag.endswith("text")]

    assert {"cart", "gone", "new", "present: 6 sent", "other: 4 sent"} <= set(texts)


def test_a_policy_that_is_refused_and_a_home_without_a_log_are_named(home, capsys):
    Path("other.yaml").write_text("triggers: [{name: x}]")
    assert ask() == 1
    assert "other.yaml:1: triggers[0].on: is missing" in capsys.readouterr().err

    shutil.copy("present.yaml", "other.yaml")
    (home / "opportune.db").unlink()
    assert ask() == 1
    assert "there is no log" in capsys.readouterr().err
    assert not (home / "opportune.db").exists()


@pytest.mark.parametrize(
    ("first", "end", "why"),
    [
        ("yesterday", "2024-03-02", "argument --from: must be a day such as 2017-11-01 (is 'yesterday')"),
        ("2024-03-02", "2024-03-02", "argument --to: must be later than --from (is 2024-03-02)"),
    ],
)
def test_a_time_that_is_none_is_refused(first, end, why, capsys):
    with pytest.raises(SystemExit):
        main(["other.yaml", "--from", first, "--to", end])

    assert why in capsys.readouterr().err


def test_who_was_suppressed_by_hand_before_gets_nothing_from_either(home):
    database = open_database(home / "opportune.db")
    with database.begin() as connection:
        add(connection, [Suppression(USER, "u", "*", "manual", START)])
    database.dispose()
    ask()

    found = summary(home)["cart"]["present"]
    assert found == {"sends": 3, "control": 0, "holds": {"suppressed": 3}, "objections": {"suppression": 3}}
