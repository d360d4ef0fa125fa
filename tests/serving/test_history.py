import os
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing

import pytest

from features.kinds import Kind
from tests.commands import told

GOOD = '{"user_id": "u1", "event": "cart_added", "timestamp": "2017-08-01T12:00:00Z"}\n'


@pytest.fixture
def run(tmp_path, root, monkeypatch):
    """Give the command in the repository, as `make import` does."""
    monkeypatch.chdir(root)
    return lambda *arguments: told(tmp_path / "home", "serving.history", *arguments)


def asked(tmp_path, query):
    with closing(sqlite3.connect(tmp_path / "home" / "opportune.db")) as connection:
        return connection.execute(query).fetchall()


def test_the_command_imports_the_good_rows_and_tells_of_the_bad_ones(tmp_path, root):
    path = tmp_path / "history.jsonl"
    path.write_text(GOOD + GOOD.replace("u1", "u2").replace("cart_added", "Cart Aded") + GOOD[:20])
    done = subprocess.run(
        [sys.executable, "-m", "serving.history", "--file", path],
        env={**os.environ, "OPPORTUNE_HOME": str(tmp_path / "home")},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "2 events imported from 3 rows" in done.stdout
    assert f"1 bad rows were set aside in {path}.rejected.jsonl" in done.stdout
    assert f"{path}:3: the last line is cut off" in done.stdout
    assert "'Cart Aded', which nobody knows: kept as activity; the nearest known name is 'Product Added'" in done.stdout
    assert asked(tmp_path, "SELECT count(*), max(origin) FROM events") == [(2, "import")]


def test_events_imported_after_later_ones_of_their_people_are_told(run, tmp_path):
    orders, views = tmp_path / "orders.csv", tmp_path / "views.csv"
    orders.write_text("user_id,event,timestamp\nu1,purchase,1500007200\nu2,purchase,1500003500\n")
    views.write_text("user_id,event,timestamp\nu1,view,1500000000\nu1,view,1500003600\nu2,view,1500000000\n")

    first, second, again = run(orders), run(views), run(views)

    # Both of u1, who ordered later, and not the one of u2, who ordered within the hour.
    assert "2 events happened an hour or more before what was known of their people already" in second.stdout
    assert all("before what was known" not in each.stdout for each in (first, again))


def test_a_file_that_is_no_history_is_refused_by_its_name(run, tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1....")

    done = run(tmp_path / "x.parquet")

    assert done.returncode == 1
    assert done.stderr.startswith(f"nothing imported: {tmp_path / 'x.parquet'}: is not Parquet, or cut off: ")


def test_a_strict_command_refuses_the_whole_file(run, tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text(GOOD + "{\n")
    done = run(path, "--strict")

    assert (done.returncode, done.stdout) == (1, "")
    assert f"nothing imported: 1 bad rows; the first is {path}:2: is not JSON" in done.stderr
    assert "each line must be an object of its own" in done.stderr
    assert asked(tmp_path, "SELECT count(*) FROM events") == [(0,)]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "say which file to import"),
        (("nowhere.csv",), 1, "nowhere.csv"),
        (("README.md",), 1, "none of .jsonl"),
        (("README.md", "--map", "pyproject.toml"), 1, "pyproject.toml"),
    ],
)
def test_a_command_that_cannot_work_says_why(run, arguments, code, said):
    done = run(*arguments)

    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_day_of_a_real_clickstream_comes_in_by_the_mapping_beside_it(run, tmp_path, root):
    gms = root / "examples" / "gms"
    done = run(gms / "gms-2017-08-01.csv.gz", "--map", gms / "events.yaml")
    kinds = Counter(dict(asked(tmp_path, "SELECT kind, count(*) FROM events GROUP BY kind")))

    assert "13,228 events imported from 13,233 rows" in done.stdout
    assert "5 rows were known already" in done.stdout
    assert "bad rows" not in done.stdout
    assert asked(tmp_path, "SELECT count(*) FROM users WHERE user_key LIKE 'anonymous:%'") == [(2293,)]
    assert kinds[Kind.PRODUCT_VIEWED] == 1267
    assert kinds[Kind.PRODUCT_ADDED] <= 494
    assert kinds[Kind.ORDER_COMPLETED] <= 92
    assert kinds[Kind.OTHER] == 0
