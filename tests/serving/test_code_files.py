"""Files of codes, as shops export them."""

import gzip

import pytest

from serving.code_files import main
from serving.codes import NEVER
from tests.serving.databases import a_database, rows


@pytest.fixture
def take(tmp_path, monkeypatch, capsys):
    """Return what imports a file and tells status, what was said and which codes there are now."""
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path / "home"))

    def _take(name, content, pool="spring"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        status = main([str(file), "--pool", pool])
        with a_database(tmp_path / "home") as database:
            found = rows(database, "SELECT code, pool, expires_at FROM codes ORDER BY code_id")
        return status, capsys.readouterr(), found

    return _take


def test_codes_are_taken_with_the_moment_at_which_they_expire(take):
    table = "Voucher Code,voucher,Valid_Until,used\nx,A-1,2026-12-31,0\nx, B-2 ,2026-12-31T12:00:00+01:00,0\nx,C-3,,0\n"
    status, said, found = take("codes.csv", table)

    assert (status, said.out) == (0, "3 codes added to spring, 0 were there\n")
    # A day counts to its last second, in UTC.
    assert found == [
        ("A-1", "spring", 1_798_761_599_000_000),
        ("B-2", "spring", 1_798_714_800_000_000),
        ("C-3", "spring", NEVER),
    ]


def test_json_lines_and_compressed_files_are_taken_too(take):
    lines = b'{"code": "a", "expires_at": "2030-01-01T00:00:00Z"}\n\n{"discount_code": "b"}\n'

    assert [each[0] for each in take("c.jsonl.gz", gzip.compress(lines))[2]] == ["a", "b"]
    assert [each[0] for each in take("c.tsv", "code\tname\nc\tx\n")[2]] == ["a", "b", "c"]


def test_a_file_imported_again_adds_nothing_and_a_code_of_another_pool_stays_there(take):
    take("a.csv", "code\nA\nB\n")

    assert take("a.csv", "code\nA\nB\nB\nC\n")[1].out == "1 codes added to spring, 2 were there\n"
    status, said, found = take("b.csv", "code\nD\nB\n", pool="summer")
    assert (status, said.out) == (1, "1 codes added to summer, 0 were there; 1 rows were left out\n")
    assert said.err == "b.csv:3: code: is in another pool already\n"
    assert [(code, pool) for code, pool, _ in found][1::2] == [("B", "spring"), ("D", "summer")]


def test_bad_rows_are_left_out_and_told_by_line(take):
    table = f"code,expires_at\nA,\n,2026-01-01\nB,tomorrow\nC\n{'x' * 201},\nD\u0007,\nE,1066-10-14\n"
    status, said, found = take("c.csv", table)

    assert (status, [each[0] for each in found]) == (1, ["A"])
    assert [line.split(":")[1:3] for line in said.err.splitlines()] == [
        ["3", " code"],
        ["4", " expires_at"],
        ["5", " has 1 cells for 2 columns"],
        ["6", " code"],
        ["7", " code"],
        ["8", " expires_at"],
    ]


@pytest.mark.parametrize("line", ["{", "[]", '{"code": 7}', '{"code": null}', '{"code": "a", "expires_at": []}', "{}"])
def test_a_line_that_is_no_code_is_told(take, line):
    status, said, found = take("c.jsonl", f'{{"code": "ok"}}\n{line}\n')

    assert (status, [each[0] for each in found]) == (1, ["ok"])
    assert said.err.startswith("c.jsonl:2: ")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("c.xls", "", "is none of .csv, .tsv, .jsonl (also with .gz)"),
        ("c.csv", "name\nA\n", "no column is known as code, coupon or voucher; the columns are name"),
    ],
)
def test_a_file_that_holds_no_codes_is_refused(take, tmp_path, name, content, reason):
    status, said, _ = take(name, content)

    assert (status, said.err) == (1, f"nothing imported: {tmp_path / name}: {reason}\n")


@pytest.mark.parametrize("pool", ["Spring", "a b", "", "x" * 81])
def test_what_is_no_name_of_a_pool_is_refused(take, pool):
    with pytest.raises(SystemExit):
        take("c.csv", "code\nA\n", pool=pool)


def test_many_codes_are_written_a_batch_at_a_time(take):
    table = "code\n" + "".join(f"c{n}\n" for n in range(10_001))

    assert take("c.csv", table)[1].out == "10,001 codes added to spring, 0 were there\n"
