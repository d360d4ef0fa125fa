"""Effects by learned segment, as of the draw."""

import json
import sqlite3
from contextlib import closing

import pytest

from tests.models.segments import a_bundle, buyer, segments
from tests.training.experiments import Said, write_ledger
from training.experiments import Wanted, of_ledger, open_book
from training.learned_groups import in_service, learned_at_draw

CHAMPION, NEW = buyer(1.0, 9.0, 99.0), buyer(1.0, 1.0, 5.0)


@pytest.fixture
def home(tmp_path):
    """A champion who is asked again later, somebody new, and somebody whose features are not kept."""
    said = [Said("a", 1.0), Said("a", 9.0), Said("b", 2.0, arm="control"), Said("c", 3.0)]
    database = write_ledger(tmp_path, said, until=2000.0)
    kept = {"d00000": CHAMPION, "d00001": NEW, "d00002": NEW}
    with closing(sqlite3.connect(database)) as connection, connection:
        for decision, row in kept.items():
            connection.execute("UPDATE evaluations SET features = ? WHERE decision_id = ?", (row.tobytes(), decision))
        connection.execute("UPDATE evaluations SET catalogue = 'of before' WHERE decision_id = 'd00003'")
    return tmp_path


def point(home, path="opportune-segments/1"):
    (home / "bundles").mkdir(exist_ok=True)
    (home / "bundles" / "champions.json").write_text(json.dumps({"segments": {"path": path}}))


def test_each_decision_has_the_segment_of_its_own_moment_where_features_are_kept(home):
    found = learned_at_draw(home / "opportune.db", segments(clusters=None))

    assert found == {"rfm": {"d00000.cart": "champions", "d00001.cart": "new", "d00002.cart": "new"}}
    assert learned_at_draw(home / "opportune.db", None) == {}


def test_a_report_splits_people_by_what_they_were_when_first_drawn(home):
    a_bundle(home / "bundles" / "opportune-segments" / "1")
    point(home)
    book = open_book(home / "opportune.db", home / "no-policy.yaml")
    units = of_ledger(Wanted(users=10), book, "cart").units

    assert units.groups["learned rfm"].tolist() == ["champions", "new", ""]


def test_what_is_not_in_service_splits_nobody(home):
    assert in_service(home) is None
    point(home, path="nowhere")
    assert in_service(home) is None
    book = open_book(home / "opportune.db", home / "no-policy.yaml")
    assert "learned rfm" not in of_ledger(Wanted(users=10), book, "cart").units.groups
