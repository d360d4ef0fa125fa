"""Files below the home that speak of somebody."""

import json
import os

import pyarrow as pa
import pytest
from pyarrow.parquet import write_table

from serving.erasure_files import Files
from serving.mentions import Mentions


def test_whoever_is_erased_is_taken_out_of_what_was_written_instead_of_sent(tmp_path):
    file = tmp_path / "sent" / "messages.jsonl"
    file.parent.mkdir()
    lines = [json.dumps({"message_id": f"msg_{n}", "user_id": f"u-{n}", "to": f"u{n}@example.com"}) for n in (1, 2, 10)]
    file.write_text("".join(f"{line}\n" for line in lines))
    file.chmod(0o600)

    changed = Files(tmp_path, []).forget(Mentions(["u-1", "u1@example.com"]), ["u-1"])

    assert changed == ["sent/messages.jsonl"]
    assert [json.loads(line)["user_id"] for line in file.read_text().splitlines()] == ["u-2", "u-10"]
    assert file.stat().st_mode & 0o077 == 0


def test_messages_that_were_previewed_are_removed_since_none_says_whose_it_is(tmp_path):
    shown = tmp_path / "preview" / "cart" / "message.html"
    shown.parent.mkdir(parents=True)
    shown.write_text("<p>Dear Ada, your mug waits.</p>")

    changed = Files(tmp_path, []).forget(Mentions(["u-1"]), ["u-1"])

    assert changed == ["preview/cart/message.html"]
    assert not shown.exists()


def exported(folder, *people):
    """Write the same people into a file of each format."""
    folder.mkdir()
    table = pa.table({"user_id": [user for user, _ in people], "anonymous_id": [other for _, other in people]})
    write_table(table, folder / "decisions.parquet")
    lines = ["user_id,anonymous_id", *(f"{user or ''},{other or ''}" for user, other in people)]
    (folder / "decisions.csv").write_text("\n".join(lines))


@pytest.mark.parametrize(("user", "other", "key"), [("ada", None, "ada"), (None, "a-9", "anonymous:a-9")])
def test_an_export_with_somebody_who_is_erased_is_removed(tmp_path, user, other, key):
    exported(tmp_path / "exports", ("bob", None), (user, other))

    changed = Files(tmp_path, []).forget(Mentions([key]), [key])

    assert changed == ["exports/decisions.csv", "exports/decisions.parquet"]
    assert list((tmp_path / "exports").iterdir()) == []


def test_an_export_of_others_stays_and_what_a_killed_one_left_does_not(tmp_path):
    exported(tmp_path / "exports", ("bob", None), (None, "a-1"))
    (tmp_path / "exports" / f"scores.csv.{os.getpid()}.part").write_text("user_id\nada\n")
    (tmp_path / "exports" / "scores.csv.99999999.part").write_text("user_id\nada\n")

    changed = Files(tmp_path, []).forget(Mentions(["ada"]), ["ada"])

    assert changed == ["exports/scores.csv.99999999.part"]
