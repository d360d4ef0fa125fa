"""A trigger's message for a person of a home, written to files."""

import json

import numpy as np
import pytest

from models.neighbours import Neighbours
from models.neighbours_bundle import write as write_neighbours
from serving.codes import Code, add, pools
from serving.database import for_writing
from serving.preview import main
from serving.products import upsert
from tests.serving.databases import a_database
from tests.serving.engines import Shop, event

POLICY = """
templates:
  cart:
    subject: "{{ profile.name | default('You') }} left {{ cart.count }}"
    preheader: "{{ event.properties.product_id | default('nothing') }}"
    text: "{{ cart.products[0].product_id | default('-') }} {{ score | default('no score') }}"
    html: "<p>{{ profile.name | default('you') }}</p>"
triggers:
  - name: cart
    on: Product Added
    threshold: 0
    cool_down: 0
    hold_out: 0
    channel: {prefer: [email, sms]}
    guards: {consent: none}
    content: {template: cart, sms: hi, json: {a: "{{ step }}"}}
    steps:
      - {after: 1d, content: {subject: again, text: "{{ profile.nick }}"}}
"""


@pytest.fixture
async def home(tmp_path, monkeypatch):
    """A home in which one person filled a cart and another only came."""
    folder = tmp_path / "home"
    folder.mkdir()
    shop = Shop(folder, POLICY)
    named = event("", "u", 0, type="identify", traits={"name": "<Ann>", "email": "a@b.example"})
    added = event("Product Added", "u", 1, properties={"product_id": "p-1"})
    await shop.engine.ingest([named, added, event("Page Viewed", None, 2, anonymousId="v")])
    shop.close()
    (tmp_path / "triggers.yaml").write_text(POLICY)
    monkeypatch.setenv("OPPORTUNE_HOME", str(folder))
    monkeypatch.setenv("OPPORTUNE_TRIGGERS", str(tmp_path / "triggers.yaml"))
    return folder


def test_the_message_of_the_last_decision_is_written_to_files(home, capsys):
    assert main(["cart", "u"]) == 0

    folder = home / "preview" / "cart"
    assert {each.name: each.read_text() for each in folder.iterdir()} == {
        "message.html": "<p>&lt;Ann&gt;</p>",
        "message.txt": "p-1 0.3",
        "sms.txt": "hi",
        "message.json": '{\n  "a": "0"\n}\n',
    }
    assert capsys.readouterr().out.splitlines()[:3] == ["to: a@b.example", "subject: <Ann> left 1", "preheader: p-1"]


def test_whoever_has_no_decision_and_no_address_is_shown_the_message_too(home, capsys, tmp_path):
    assert main(["cart", "anonymous:v", "--out", str(tmp_path / "out")]) == 0

    assert (tmp_path / "out" / "message.txt").read_text() == "- no score"
    assert capsys.readouterr().out.splitlines()[:2] == ["to: (no address is known)", "subject: You left 0"]


def test_nothing_is_kept_of_a_preview(home):
    main(["cart", "u"])
    shop = Shop(home, POLICY)

    assert shop.rows("SELECT count(*) FROM renderings") == [(0,)]
    shop.close()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["crat", "u"], "there is no trigger crat; there are cart"),
        (["cart", "nobody"], "nothing is known of the user nobody"),
        (["cart", "u", "--step", "2"], "the trigger cart has the steps 0 to 1"),
        (["cart", "u", "--channel", "push"], "it goes out by email or sms, not by push"),
        (["cart", "u", "--step", "1"],
         "template: text, line 1: nick is not known; say what to write then: | default('…')"),
        (["cart", "u", "--step", "1", "--channel", "sms"], "no_content: its content has no sms"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_tells_why(home, capsys, arguments, reason):
    assert main(arguments) == 1
    assert capsys.readouterr().err == f"no preview: {reason}\n"


def test_a_malformed_template_is_named_by_file_line_and_field(home, capsys):
    file = home.parent / "triggers.yaml"
    file.write_text(POLICY.replace("{{ event.", "{{ evnt."))

    assert main(["cart", "u"]) == 1
    assert capsys.readouterr().err == (
        f"no preview: {file}:5: templates.cart.preheader: line 1 of the template: "
        "nothing is called evnt; did you mean event?\n"
    )


def test_json_is_written_only_where_there_is_some(home, tmp_path):
    main(["cart", "u", "--out", str(tmp_path / "out")])

    assert json.loads((tmp_path / "out" / "message.json").read_text()) == {"a": "0"}


@pytest.fixture
def coded(home, tmp_path):
    """The home with a trigger whose messages carry codes, and name what is recommended."""
    said = "{{ code }}{% for each in recommendations %} {{ each.product_id }}{% endfor %}"
    policy = POLICY.replace("    steps:", "    codes: {pool: spring}\n    steps:").replace("hi,", f"'{said}',")
    (tmp_path / "triggers.yaml").write_text(policy)
    with a_database(home) as database, for_writing(database).begin() as connection:
        add(connection, "spring", [Code("REAL-1")], at=0)
        upsert(connection, [{"product_id": "p-1"}, {"product_id": "p-2"}], at=0)
    return home


def test_a_preview_shows_what_stands_for_a_code_and_takes_none(coded):
    assert main(["cart", "u"]) == 0

    assert (coded / "preview" / "cart" / "sms.txt").read_text() == "YOUR-CODE"
    with a_database(coded) as database, database.connect() as connection:
        assert [each[:4] for each in pools(connection, at=0)] == [("spring", 1, 0, 0)]


def test_a_preview_recommends_what_a_message_would(coded):
    bundles = coded / "bundles"
    known = Neighbours(("p-2", "p-1"), np.empty((2, 0), dtype=np.int32), np.empty((2, 0)))
    write_neighbours(bundles / "r" / "1", known, created_at="", lineage={})
    (bundles / "champions.json").write_text('{"recommendations": {"path": "r/1"}}')

    assert main(["cart", "u"]) == 0
    # The first is in the cart already.
    assert (coded / "preview" / "cart" / "sms.txt").read_text() == "YOUR-CODE p-2"
