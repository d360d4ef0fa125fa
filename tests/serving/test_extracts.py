"""Scores, segments and decisions as tables: every row once, of whoever it is by now, and of nobody who was erased."""

import csv
import tracemalloc
from datetime import UTC, datetime

import pytest
from pyarrow.parquet import read_table

from serving import extract_files, extracts
from serving.erasure import erase
from serving.extract_files import ErasedMeanwhile, main, write
from serving.extracts import EXTRACTS, read
from serving.mentions import Rejects
from tests.serving.engines import SECOND, START, event, one_by_one, shops

__all__ = ["shops"]
POLICY = """
format: 1
segments:
  - name: browsers
    when: {count: {event: Product Viewed, at_least: 1}}
triggers:
  - name: warm-cart
    on: Product Added
    horizon: 24h
    threshold: 25%
    cool_down: 1d
    hold_out: 0
    mode: live
    guards: {consent: none}
"""


@pytest.fixture
async def shop(shops):
    """A shop in which Ada came anonymously at first, and somebody stayed so."""
    opened = shops(POLICY)
    await opened.engine.tend_segments()
    await one_by_one(
        opened,
        event("Product Viewed", anonymousId="a-1"),
        event("Product Added", anonymousId="a-1", at=10),
        event("", "ada", 15, anonymousId="a-1", type="identify", traits={"tier": "gold", "email": "Ada@shop.example"}),
        event("Product Added", "ada", 20),
        event("Product Viewed", anonymousId="a-2", at=30),
        event("Product Added", "bob", 40, context={"timezone": "Europe/Berlin"}),
    )
    await opened.engine.tend_segments()
    await opened.engine.flush()
    return opened


def table(shop, what, **options):
    return [row for page in read(shop.database, EXTRACTS[what], **options) for _, row in page]


async def test_decisions_are_told_of_whoever_it_is_by_now(shop):
    found = table(shop, "decisions")

    assert [(each["user_id"], each["anonymous_id"], each["action"], each["reason"]) for each in found] == [
        ("ada", None, "send", "sent"),
        ("ada", None, "hold", "cooling_down"),
        ("bob", None, "send", "sent"),
    ]
    assert {each["trigger"] for each in found} == {"warm-cart"}
    assert found[0]["score"] == pytest.approx(0.3)
    assert found == sorted(found, key=lambda each: each["at"])


async def test_a_score_is_a_row_for_each_horizon(shop):
    found = table(shop, "scores")

    assert [(each["user_id"], each["event"], each["horizon"], each["score"]) for each in found] == [
        ("ada", "Product Added", "24h", 0.3),
        ("ada", "Product Added", "24h", 0.3),
        ("bob", "Product Added", "24h", 0.3),
    ]
    assert found[0]["model_version"] == "certain/1"


async def test_segments_are_who_is_in_them(shop):
    found = table(shop, "segments")

    assert [(each["segment"], each["user_id"], each["anonymous_id"]) for each in found] == [
        ("browsers", "ada", None),
        ("browsers", None, "a-2"),
    ]


async def test_profiles_are_what_is_known_of_people_besides_what_they_do(shop):
    found = table(shop, "profiles")

    assert [(each["user_id"], each["email"], each["timezone"], each["traits"]) for each in found] == [
        ("ada", "ada@shop.example", None, '{"tier":"gold"}'),
        ("bob", None, "Europe/Berlin", "{}"),
    ]
    assert [each["updated_at"] for each in found] == [START + 15 * SECOND, None]


async def test_a_time_has_its_first_moment_and_not_its_last(shop):
    moments = [each["at"] for each in table(shop, "decisions")]

    assert [each["at"] for each in table(shop, "decisions", first=moments[1], end=moments[2])] == [moments[1]]


@pytest.mark.parametrize("at_once", [1, 2, 3, 1000])
@pytest.mark.parametrize("what", EXTRACTS)
async def test_however_large_the_pages_are_no_row_is_missing_or_repeated(shop, monkeypatch, what, at_once):
    whole = table(shop, what)
    monkeypatch.setattr(extracts, "AT_ONCE", at_once)

    assert table(shop, what) == whole
    assert len({str(row) for row in whole}) == len(whole) > 1


async def test_whoever_was_erased_is_in_none_of_them(shop):
    await shop.engine.erase("ada")

    for what in EXTRACTS:
        assert "ada" not in str(table(shop, what))


async def test_both_formats_say_the_same(shop, tmp_path):
    decisions = EXTRACTS["decisions"]
    counts = [write(shop.database, decisions, tmp_path / f"x.{form}", form) for form in ("csv", "parquet")]

    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    rows = read_table(tmp_path / "x.parquet").to_pylist()
    assert counts == [len(lines), len(rows)] == [3, 3]
    assert [*rows[0]] == [*lines[0]] == [*decisions.columns]
    for line, row in zip(lines, rows, strict=True):
        assert datetime.fromisoformat(line["at"]) == row["at"]
        assert (line["user_id"], line["anonymous_id"], line["due_at"]) == (row["user_id"], "", "")
        assert float(line["score"]) == row["score"]
        assert (row["anonymous_id"], row["due_at"]) == (None, None)
    assert (tmp_path / "x.csv").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("form", ["csv", "parquet"])
async def test_memory_does_not_grow_with_the_ledger(shop, tmp_path, monkeypatch, form):
    monkeypatch.setattr(extract_files, "_ROWS", 1000)
    with shop.database.begin() as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 15000)"
            " INSERT INTO decisions (trigger_decision_id, decision_id, user_no, trigger, at, event_seq, action, reason,"
            " propensity, policy_version) SELECT printf('%016x.t', i), printf('%016x', i), 1, 't', i, 1, 'hold',"
            " 'cooling_down', 1.0, 'p' FROM n"
        )
    write(shop.database, EXTRACTS["segments"], tmp_path / "warm", form)

    tracemalloc.start()
    count = write(shop.database, EXTRACTS["decisions"], tmp_path / "x", form)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 15_003
    # All rows at once would take more than 12 MB.
    assert peak < 4_000_000


async def test_whoever_is_erased_while_it_is_written_is_not_in_the_file(shop, tmp_path, monkeypatch):
    monkeypatch.setattr(extract_files, "_write_rows", _erasing(shop, extract_files._write_rows, times=1))

    count = write(shop.database, EXTRACTS["decisions"], tmp_path / "x.csv", "csv")

    assert count == 1
    assert "ada" not in (tmp_path / "x.csv").read_text()


async def test_while_people_are_erased_all_the_time_there_is_no_file(shop, tmp_path, monkeypatch):
    monkeypatch.setattr(extract_files, "_write_rows", _erasing(shop, extract_files._write_rows, times=99))

    with pytest.raises(ErasedMeanwhile):
        write(shop.database, EXTRACTS["decisions"], tmp_path / "x.csv", "csv")

    assert list(tmp_path.glob("x.csv*")) == []


def _erasing(shop, write_rows, *, times):
    """Write rows, and erase Ada right afterwards, then others, as often as told."""
    names = iter(["ada", *(f"nobody-{number}" for number in range(99))][:times])

    def writing(database, *arguments):
        count = write_rows(database, *arguments)
        if name := next(names, None):
            with database.begin() as connection:
                erase(connection, shop.tools, name, Rejects())
        return count

    return writing


async def test_the_command_writes_below_the_home_and_names_what_cannot_be_meant(shop, monkeypatch, capsys):
    monkeypatch.setenv("OPPORTUNE_HOME", str(shop.home))
    day = datetime.fromtimestamp(START / SECOND, UTC).date().isoformat()

    assert main(["decisions", "--from", day, "--to", "2030-01-01"]) == 0
    file = shop.home / "exports" / "decisions.parquet"
    assert capsys.readouterr().out == f"3 rows written to {file}\n"
    assert read_table(file).num_rows == 3
    assert main(["decisions", "--to", day]) == 0
    assert capsys.readouterr().out.startswith("0 rows")
    for wrong in (["orders"], ["scores", "--from", "yesterday"], ["scores", "--from", "2030-01-01", "--to", day]):
        with pytest.raises(SystemExit) as refused:
            main(wrong)
        assert refused.value.code == 2


async def test_without_a_ledger_the_command_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path / "empty"))

    assert main(["scores"]) == 1
    assert "there is no ledger" in capsys.readouterr().err
