"""Files of profiles, as a CRM writes them: the same rules as over HTTP, and every bad row by line and field."""

import gzip
import json
import os
from contextlib import closing

import pytest

from serving.clock import wall
from serving.driver import driver
from serving.erasure import erase
from serving.extract_files import write
from serving.extracts import EXTRACTS, read
from serving.mentions import Rejects
from serving.profile_files import main
from tests.serving.databases import a_database, rows
from tests.serving.engines import Shop, event

DAY = 86_400


@pytest.fixture
def take(tmp_path, monkeypatch, capsys):
    """Return what imports a file and tells status, what was said and everybody's profile by key."""
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path / "home"))

    def _take(name, content, *, written_at_s=None):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        if written_at_s is not None:
            os.utime(file, (written_at_s, written_at_s))
        status = main([str(file)])
        return status, "".join(capsys.readouterr()), known(tmp_path / "home")

    return _take


def known(home):
    with a_database(home) as database:
        found = [row for page in read(database, EXTRACTS["profiles"]) for _, row in page]
    shown = {}
    for row in found:
        told = json.loads(row["traits"]) | {name: row[name] for name in ("email", "phone", "timezone") if row[name]}
        shown[row["user_id"] or f"anonymous:{row['anonymous_id']}"] = told
    return shown


def rejected(tmp_path, name):
    lines = (tmp_path / f"{name}.rejected.jsonl").read_text(encoding="utf-8").splitlines()
    return [(each["line"], each["field"], each["reason"]) for each in map(json.loads, lines)]


TABLE = """user_id,email,phone,timezone,age,region,tenure_days,loyalty_tier,address.city,news:boolean,zip,tags:json
u-1,Ada@shop.example,+49 30 123,Europe/Berlin,36,BY,400,gold,Bonn,TRUE,01067,"[""a"", 1]"
u-2,,,,,,,silver,,,,
"""


def test_a_table_tells_traits_addresses_and_zone(take):
    status, said, found = take("crm.csv", TABLE)

    assert (status, said) == (0, "2 profiles written\n")
    assert found == {
        "u-1": {
            "email": "ada@shop.example",
            "phone": "+4930123",
            "timezone": "Europe/Berlin",
            "age": 36,
            "region": "BY",
            "tenure_days": 400,
            "loyalty_tier": "gold",
            "address": {"city": "Bonn"},
            "news": True,
            # A postal code is no number, whatever it looks like.
            "zip": "01067",
            "tags": ["a", 1],
        },
        "u-2": {"loyalty_tier": "silver"},
    }


@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())])
def test_lines_of_json_tell_the_same_flat_or_under_traits_and_null_takes_back(take, pack):
    name = "crm.jsonl" if pack is str.encode else "crm.jsonl.gz"
    lines = [
        '{"user_id": "u-1", "traits": {"tier": "gold", "age": 36}}',
        '{"userId": "u-1", "tier": null, "address": {"city": "Bonn"}}',
        '{"anonymous_id": "a-1", "tier": "iron"}',
    ]

    status, said, found = take(name, pack("\n".join(lines)))

    assert (status, said) == (0, "3 profiles written\n")
    assert found == {"u-1": {"age": 36, "address": {"city": "Bonn"}}, "anonymous:a-1": {"tier": "iron"}}


def test_every_bad_row_is_listed_beside_the_file_by_line_and_field(take, tmp_path):
    long = "x" * 2000
    status, said, found = take(
        "crm.csv",
        "user_id,email,age,timezone,tags:json,note,consents\n"
        "u-1,nobody,,,,,\n"
        "u-2,,old,,,,\n"
        "u-3,,,Mars/Olympus,,,\n"
        "u-4,,,,[1,,\n"
        f"u-5,,,,,{long},\n"
        "u-6,,,,,,marketing\n"
        ",,30,,,,\n"
        "u-8,,30\n"
        'u-9,,30,,,"a\nb",\n'
        "u-10,,NaN,,,,\n",
    )

    assert status == 1
    assert found == {"u-9": {"age": 30, "note": "a\nb"}}
    assert said.startswith("1 profiles written\n9 bad rows were set aside in ")
    assert [(line, field) for line, field, _ in rejected(tmp_path, "crm.csv")] == [
        (2, "email"),
        (3, "age"),
        (4, "timezone"),
        (5, "tags"),
        (6, "note"),
        (7, "consents"),
        (8, "userId"),
        (9, ""),
        (12, "age"),
    ]
    assert rejected(tmp_path, "crm.csv")[1][2] == "is no number (is 'old')"


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b'"u-1"',
        b"\xff\xfe",
        b'{"user_id": "u-1", "traits": []}',
        b'{"user_id": {}, "tier": 1}',
        b'{"user_id": "u-1", "": 1}',
        b'{"user_id": "u-1", "age": NaN}',
        b'{"user_id": "u-1", "timestamp": "soon", "age": 1}',
        b'{"user_id": "u-1", "timestamp": "2999-01-01", "age": 1}',
        b'{"age": 1}',
        b"[" * 10_000,
        b'{"user_id": "u-1", "tags": ' + b"[" * 300 + b"]" * 300 + b"}",
        json.dumps({"user_id": "u-1", **{f"f{i}": i for i in range(101)}}).encode(),
        json.dumps({"user_id": "u" * 300, "age": 1}).encode(),
        json.dumps({"user_id": "u-1", "n" * 101: 1}).encode(),
    ],
)
def test_a_line_that_is_no_profile_costs_no_other(take, tmp_path, line):
    status, _, found = take("crm.jsonl", line + b'\n{"user_id": "u-2", "tier": "gold"}\n')

    assert (status, found) == (1, {"u-2": {"tier": "gold"}})
    ((number, _, reason),) = rejected(tmp_path, "crm.jsonl")
    assert number == 1
    assert reason


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("crm.xlsx", "x", "is none of .csv, .tsv, .jsonl"),
        ("crm.csv", "", "does not begin with a line in UTF-8 that names the columns"),
        ("crm.csv", "name,age\nx,1\n", "no column is named user_id or anonymous_id; the columns are name, age"),
        ("crm.csv", "user_id,age,age\n", "two columns are named age"),
        ("crm.csv", "user_id,age:float\n", "the column age:float: after the colon stands one of text, number"),
    ],
)
def test_a_file_that_holds_no_profiles_is_refused_whole(take, name, content, says):
    status, said, found = take(name, content)

    assert (status, found) == (1, {})
    assert says in said


def test_the_same_file_again_says_nothing_new_and_the_next_one_what_changed(take, tmp_path):
    take("crm.csv", TABLE)
    again = take("crm.csv", TABLE)
    changed = take("crm.csv", TABLE.replace("gold", "platinum"))

    assert again[:2] == (0, "0 profiles written\n2 rows said nothing new\n")
    assert changed[:2] == (0, "1 profiles written\n1 rows said nothing new\n")
    assert changed[2]["u-1"]["loyalty_tier"] == "platinum"
    with a_database(tmp_path / "home") as database:
        assert rows(database, "SELECT count(*) FROM events") == [(3,)]


def test_whoever_is_in_a_file_twice_is_what_the_last_row_says(take):
    take("crm.csv", "user_id,tier\nu-1,gold\n")
    _, _, found = take("crm.csv", "user_id,tier\nu-1,silver\nu-1,gold\n")

    assert found == {"u-1": {"tier": "gold"}}


def test_an_older_word_changes_nothing_whether_the_row_or_the_file_is_older(take):
    now_s = wall() / 1e6
    take("new.csv", "user_id,tier,updated_at\nu-1,gold,2026-03-01T00:00:00Z\n")
    _, _, by_row = take("row.csv", "user_id,tier,updated_at\nu-1,iron,2026-02-28\n")
    take("file.csv", "user_id,tier\nu-1,platinum\n", written_at_s=now_s - DAY)
    _, _, by_file = take("older.csv", "user_id,tier\nu-1,iron\n", written_at_s=now_s - 2 * DAY)

    assert (by_row["u-1"]["tier"], by_file["u-1"]["tier"]) == ("gold", "platinum")


async def test_a_file_from_before_brings_back_nobody_who_was_erased(take, tmp_path):
    (tmp_path / "home").mkdir()
    shop = Shop(tmp_path / "home")
    await shop.engine.ingest([event("Product Added", "ada")])
    shop.close()
    take("crm.csv", "user_id,tier\nada,gold\n")
    with a_database(tmp_path / "home") as database, database.begin() as connection, closing(shop.online):
        erase(connection, shop.tools, "ada", Rejects())
        driver(connection).execute("UPDATE tombstones SET erased_at = ?", (wall(),))

    before = take("crm.csv", "user_id,tier\nada,gold\nbob,iron\n", written_at_s=wall() / 1e6 - DAY)

    assert before[1] == "1 profiles written\n1 rows were not kept: their users were erased after they were written\n"
    assert before[2] == {"bob": {"tier": "iron"}}


def test_where_tracking_needs_consent_nothing_is_kept_of_whoever_did_not_agree(take, tmp_path, monkeypatch):
    monkeypatch.setenv("OPPORTUNE_TRACKING_CONSENT", "required")

    status, said, found = take("crm.csv", "user_id,tier,age\nu-1,gold,30\nu-2,gold,s3cret\n")

    assert (status, found) == (1, {})
    assert "1 rows were not kept: their users did not agree to be tracked" in said
    assert "s3cret" not in (tmp_path / "crm.csv.rejected.jsonl").read_text() + said


@pytest.mark.parametrize("form", ["csv"])
def test_what_was_exported_can_be_imported_elsewhere(take, tmp_path, monkeypatch, form):
    _, _, found = take("crm.csv", TABLE)
    with a_database(tmp_path / "home") as database:
        write(database, EXTRACTS["profiles"], tmp_path / f"out.{form}", form)
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path / "elsewhere"))

    assert main([str(tmp_path / f"out.{form}")]) == 0
    assert known(tmp_path / "elsewhere") == found
