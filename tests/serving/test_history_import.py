import csv
import gzip
import json
import random
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.events import AMOUNT, ITEMS, UTC_OFFSET_S, unpack_record
from features.kinds import Kind
from serving.database import open_database
from serving.history_import import HistoryRefused, import_history
from serving.history_lines import FileRefused
from serving.mapping_file import read_mapping

NOW = 1_600_000_000_000_000
HEADER = "user_id,event,timestamp,product_id,price,quantity,colour\n"
GOOD = "u1,Product Viewed,2017-08-01T12:00:00Z,p1,2.5,1,red\n"


class History:
    """A database, and files to be imported into it."""

    def __init__(self, folder, database):
        self.folder = folder
        self.home = folder / "home"
        self.database = database

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def take(self, path, *, strict=False, mapping=""):
        layer = self.file("map.yaml", mapping)
        return import_history(
            path,
            database=self.database,
            home=self.home,
            mapping=read_mapping(layer),
            received_at=NOW,
            strict=strict,
        )

    def rows(self, columns="user_key, known_at, kind, name, payload"):
        with self.database.connect() as connection:
            return connection.exec_driver_sql(
                f"SELECT {columns} FROM events JOIN users USING (user_no) ORDER BY seq"
            ).fetchall()


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    opened = open_database(tmp_path_factory.mktemp("history") / "opportune.db")
    yield opened
    opened.dispose()


@pytest.fixture
def history(tmp_path, database):
    with database.begin() as connection:
        for table in ("events", "users", "unknown_names"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    return History(tmp_path, database)


def rejects(done):
    return [json.loads(line) for line in done.rejects.read_text().splitlines()]


def test_a_csv_file_with_the_columns_of_the_issue(history):
    content = (
        "user_id,event,timestamp,message_id,anonymous_id,cart_id,order_id,product_id,category,price,quantity,revenue,"
        "currency,timezone,colour\n"
        "u1,Order Completed,2017-08-01T12:00:00Z,m1,a1,c1,o1,p1,shoes,2.5,2,7.5,USD,Europe/Berlin,red\n"
    )
    done = history.take(history.file("history.csv", content))
    [(key, message_id, origin, record, payload)] = history.rows("user_key, message_id, origin, record, payload")
    numbers = unpack_record(record)

    assert (done.rows, done.added, done.repeated, done.rejected) == (1, 1, 0, 0)
    assert (key, message_id, origin) == ("u1", "m1", "import")
    assert (numbers[AMOUNT], numbers[ITEMS], numbers[UTC_OFFSET_S]) == (7.5, 1, 7200)
    assert json.loads(payload) == {
        "properties": {
            "cart_id": "c1",
            "order_id": "o1",
            "product_id": "p1",
            "category": "shoes",
            "colour": "red",
            "price": 2.5,
            "quantity": 2,
            "revenue": 7.5,
            "currency": "USD",
        },
        "context": {"timezone": "Europe/Berlin"},
    }


def test_json_lines_shaped_like_segment(history):
    call = {
        "type": "track",
        "userId": "u1",
        "event": "Order Completed",
        "messageId": "m1",
        "timestamp": "2017-08-01T12:00:00Z",
        "properties": {"order_id": "o1", "products": [{"product_id": "a", "price": 2, "quantity": 3}]},
        "context": {"timezone": "Etc/GMT+5"},
    }
    page = {"type": "page", "anonymousId": "a1", "timestamp": "2017-08-01T13:00:00Z", "messageId": "m2"}
    done = history.take(history.file("history.jsonl", f"{json.dumps(call)}\n\n{json.dumps(page)}\n"))

    assert done.added == 2
    assert [(row[0], row[2]) for row in history.rows()] == [
        ("u1", Kind.ORDER_COMPLETED),
        ("anonymous:a1", Kind.PAGE_VIEWED),
    ]
    assert unpack_record(history.rows("record")[0][0])[AMOUNT] == 6


def test_a_parquet_file_with_times_numbers_decimals_dates_and_lists(history):
    at = datetime(2017, 8, 1, 12, tzinfo=UTC)
    table = pa.table(
        {
            "user_id": pa.array([1.0, 2.0, None]),
            "event": ["purchase", "view", "view"],
            "timestamp": pa.array([at, at + timedelta(seconds=1), at], pa.timestamp("ns", "UTC")),
            "revenue": pa.array(["7.50", None, None]).cast(pa.decimal128(10, 2)),
            "day": pa.array([at.date(), None, None]),
            "products": pa.array([[{"product_id": "a", "price": 1.5}], None, None]),
        }
    )
    pq.write_table(table, history.folder / "history.parquet")
    done = history.take(history.folder / "history.parquet")

    assert (done.added, done.rejected) == (2, 1)
    assert [row[:3] for row in history.rows()] == [
        ("1", 1_501_588_800_000_000, Kind.ORDER_COMPLETED),
        ("2", 1_501_588_801_000_000, Kind.PRODUCT_VIEWED),
    ]
    assert json.loads(history.rows()[0][4])["properties"]["day"] == "2017-08-01"
    assert [(each["line"], each["field"]) for each in rejects(done)] == [(3, "userId")]


def test_a_parquet_file_of_days_bytes_durations_and_maps(history):
    day = datetime(2017, 8, 1, tzinfo=UTC).date()
    table = pa.table(
        {
            "user_id": pa.array([b"u1", b"\xff\x00"], pa.binary()),
            "event": pa.array([b"view", b"view"], pa.binary()),
            "timestamp": pa.array([day, day], pa.date32()),
            "stayed": pa.array([timedelta(minutes=2), None]),
            "tags": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
            "member": [True, False],
        }
    )
    pq.write_table(table, history.folder / "history.parquet")
    done = history.take(history.folder / "history.parquet")

    assert (done.added, done.rejected) == (2, 0)
    assert [row[:3] for row in history.rows()] == [
        ("u1", 1_501_545_600_000_000, Kind.PRODUCT_VIEWED),
        ("ff00", 1_501_545_600_000_000, Kind.PRODUCT_VIEWED),
    ]
    said = json.loads(history.rows()[0][4])["properties"]
    assert said == {"stayed": "0:02:00", "tags": [["a", 1]], "member": True}


def test_columns_that_became_floats_because_of_a_gap_are_still_ids(history):
    table = pa.table({"visitorid": [7.0, 8.0], "event": ["view", "addtocart"], "timestamp": [1433221332117] * 2})
    pq.write_table(table, history.folder / "history.parquet")
    history.take(history.folder / "history.parquet")

    assert [row[0] for row in history.rows()] == ["anonymous:7", "anonymous:8"]


def test_a_file_without_a_header_is_named_by_the_mapping(history):
    content = "".join(f"{user},{item},3,{event},15117{second:05}\n" for user, item, event, second in (
        (1, 5, "pv", 3), (1, 5, "cart", 2), (2, 6, "fav", 1), (1, 5, "buy", 4)
    ))  # fmt: skip
    mapping = "file: {columns: [user_id, item_id, category_id, behavior_type, timestamp], time_unit: s}"
    done = history.take(history.file("taobao.csv", content), mapping=mapping)

    assert done.added == 4
    assert [row[2] for row in history.rows()] == [
        Kind.WISHLIST_ADDED,
        Kind.PRODUCT_ADDED,
        Kind.PRODUCT_VIEWED,
        Kind.ORDER_COMPLETED,
    ]


def test_the_mapping_may_give_zone_form_constants_and_cells_of_json(history):
    content = 'wer;wann;korb\nu1;01.08.2017 14:00;"[{""product_id"": ""a"", ""price"": 4}]"\n'
    mapping = """
        fields: {wer: user_id, wann: timestamp, korb: products}
        file: {delimiter: ";", zone: Europe/Berlin, time_format: "%d.%m.%Y %H:%M", constants: {event: purchase}}
    """
    history.take(history.file("kauf.csv", content), mapping=mapping)
    [(known_at, record)] = history.rows("known_at, record")

    assert known_at == 1_501_588_800_000_000
    assert unpack_record(record)[AMOUNT] == 4


def test_a_history_in_any_order_is_appended_in_the_order_of_time(history):
    seconds = list(range(500))
    random.Random(1).shuffle(seconds)
    rows = "".join(f"u{second % 7},view,{1_500_000_000 + second}\n" for second in seconds)
    history.take(history.file("history.csv", "user_id,event,timestamp\n" + rows))

    assert [row[1] for row in history.rows()] == [(1_500_000_000 + second) * 1_000_000 for second in range(500)]


def test_equal_times_of_one_user_keep_the_order_of_the_file_a_microsecond_apart(history):
    rows = "".join(f"u1,view,1500000000,p{number}\n" for number in range(5))
    history.take(history.file("history.csv", "user_id,event,timestamp,product_id\n" + rows))

    assert [row[1] - 1_500_000_000_000_000 for row in history.rows()] == [0, 1, 2, 3, 4]
    assert [json.loads(row[4])["properties"]["product_id"] for row in history.rows()] == ["p0", "p1", "p2", "p3", "p4"]


def test_a_second_import_adds_nothing_and_equal_rows_are_one_event(history):
    path = history.file("history.csv", HEADER + GOOD + GOOD + GOOD.replace("u1", "u2"))

    assert [history.take(path).added, history.take(path).added] == [2, 0]
    assert history.take(path).repeated == 3


def test_the_same_rows_in_another_file_are_known(history):
    history.take(history.file("a.csv", HEADER + GOOD))

    assert history.take(history.file("b.csv.gz", gzip.compress((HEADER + GOOD).encode()))).added == 0


BAD_ROWS = [
    (",view,2017-08-01,p1,1,1,red\n", "userId"),
    ("u1,,2017-08-01,p1,1,1,red\n", "event"),
    ("u1,view,tomorrow,p1,1,1,red\n", "timestamp"),
    ("u1,view,,p1,1,1,red\n", "timestamp"),
    ("u1,view,2035-01-01,p1,1,1,red\n", "timestamp"),
    ("u1,view,2017-08-01,p1,free,1,red\n", "price"),
    ("u1,view,2017-08-01,p1,1,-1,red\n", "quantity"),
    ("u1,view,2017-08-01,p1,nan,1,red\n", "price"),
    ("u1,view,2017-08-01,p1\n", ""),
    ("u1,view,2017-08-01,p1,1,1,red,more\n", ""),
    (b"u1,view,2017-08-01,p1,1,1,r\xe9d\n", ""),
    ('u1,view,2017-08-01,p1,1,1,"red"x\n', ""),
]


@pytest.mark.parametrize(("bad", "field"), BAD_ROWS)
def test_a_bad_row_is_reported_by_file_line_and_reason_and_the_good_ones_are_imported(history, bad, field):
    bad = bad if isinstance(bad, bytes) else bad.encode()
    path = history.file("history.csv", HEADER.encode() + GOOD.encode() + bad + GOOD.replace("u1", "u2").encode())
    done = history.take(path)
    [reject] = rejects(done)

    assert (done.rows, done.added) == (3, 2)
    assert (reject["file"], reject["line"], reject["field"]) == (str(path), 3, field)
    assert reject["reason"]
    assert reject["row"]
    assert done.rejects.name == "history.csv.rejected.jsonl"


@pytest.mark.parametrize("bad", [bad for bad, _ in BAD_ROWS])
def test_a_strict_import_of_a_file_with_a_bad_row_imports_nothing(history, bad):
    bad = bad if isinstance(bad, bytes) else bad.encode()
    path = history.file("history.csv", HEADER.encode() + GOOD.encode() + bad)

    with pytest.raises(HistoryRefused, match="1 bad row"):
        history.take(path, strict=True)

    assert history.rows() == []


def test_a_strict_import_of_a_good_file_imports_it(history):
    assert history.take(history.file("history.csv", HEADER + GOOD), strict=True).added == 1


@pytest.mark.parametrize(
    "bad", [b"{", b"[]", b"5", b'"x"', b'{"a": NaN}', b'{"a": "\xff"}', b"{}", b"[" * 100_000, b'{"userId":"u"}']
)
def test_a_line_that_is_no_message_is_reported(history, bad):
    good = b'{"user_id": "u1", "event": "view", "timestamp": "2017-08-01"}\n'
    done = history.take(history.file("history.jsonl", good + bad + b"\n" + good.replace(b"u1", b"u2")))

    assert (done.added, [each["line"] for each in rejects(done)]) == (2, [2])


def test_a_truncated_last_line_is_reported_as_such(history):
    good = '{"user_id": "u1", "event": "view", "timestamp": "2017-08-01"}\n'
    done = history.take(history.file("history.jsonl", good + good[:30]))

    assert done.added == 1
    assert "cut off" in rejects(done)[0]["reason"]


def test_a_csv_file_cut_off_within_its_last_line_keeps_the_lines_before(history):
    done = history.take(history.file("history.csv", HEADER + GOOD + GOOD[:20]))

    assert (done.added, done.rejected) == (1, 1)


def test_a_compressed_file_cut_off_keeps_what_came_before(history):
    rows = "".join(GOOD.replace("u1", f"u{number}") for number in range(20_000))
    whole = gzip.compress((HEADER + rows).encode())
    done = history.take(history.file("history.csv.gz", whole[: len(whole) // 2]))

    assert done.added > 1000
    assert "cut off" in rejects(done)[-1]["reason"]


def test_a_byte_order_mark_and_quoted_cells_over_several_lines_are_read(history):
    path = history.folder / "history.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        table = csv.writer(stream)
        table.writerows(
            [["user_id", "event", "timestamp", "note"], ["u1", "view", "2017-08-01", 'two\nlines, "quoted"']]
        )
        table.writerow(["u2", "view", "never", ""])
    done = history.take(path)

    assert json.loads(history.rows()[0][4])["properties"]["note"] == 'two\nlines, "quoted"'
    assert rejects(done)[0]["line"] == 4


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("history.xlsx", b"PK", "none of .jsonl"),
        ("history", b"", "none of .jsonl"),
        ("history.csv", b"", "does not begin with a line"),
        ("history.csv", b"\xffuser\n", "does not begin with a line"),
        ("history.csv", b"name,event,timestamp\n", "no column is known as userId or anonymousId"),
        ("history.csv", b"user_id;event;when\n", "by another character, `file: {delimiter: ';'}`"),
        ("history.csv", b"user_id,event,when\n", "no column is known as timestamp"),
        ("history.csv", b"user_id,event,timestamp,event\n", "two columns are named event"),
        ("history.parquet", b"PAR1....", "is not Parquet"),
    ],
)
def test_a_file_that_is_no_history_is_refused_with_the_reason(history, name, content, reason):
    with pytest.raises(FileRefused, match=reason):
        history.take(history.file(name, content))


def test_names_that_nobody_knows_are_kept_counted_and_listed_with_the_nearest(history):
    rows = "u1,Prodct Viewed,2017-08-01\nu1,Prodct Viewed,2017-08-02\nu1,Heartbeat,2017-08-02\n"
    done, again = (
        history.take(history.file("history.csv", "user_id,event,timestamp\n" + rows)) for _ in ("once", "twice")
    )
    with history.database.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT name, seen, nearest FROM unknown_names ORDER BY seen DESC"
        ).fetchall()

    assert (done.unknown, again.unknown) == ({"Prodct Viewed": 2, "Heartbeat": 1}, {})
    assert [tuple(row) for row in found] == [("Prodct Viewed", 2, "Product Viewed"), ("Heartbeat", 1, None)]
    assert [row[2] for row in history.rows()] == [Kind.OTHER] * 3


def test_a_good_import_leaves_nothing_behind(history):
    path = history.file("history.csv", HEADER + GOOD)
    before = {path, history.folder / "map.yaml", history.home}
    done = history.take(path)

    assert set(history.folder.iterdir()) == before
    assert list((history.home / "import").iterdir()) == []
    assert not done.rejects.exists()


def test_bad_rows_are_listed_beside_the_file(history):
    path = history.file("history.csv", HEADER + ",view,2017-08-01,p1,1,1,red\n")

    assert history.take(path).rejects == history.folder / "history.csv.rejected.jsonl"


def test_bad_rows_are_listed_below_home_where_nothing_can_be_written_beside_the_file(history):
    """Permissions do not keep root from writing: a folder of that name does."""
    (history.folder / "history.csv.rejected.jsonl").mkdir()
    path = history.file("history.csv", HEADER + GOOD + ",view,2017-08-01,p1,1,1,red\n")
    done = history.take(path)

    assert done.rejects == history.home / "import" / "history.csv.rejected.jsonl"
    assert [each["line"] for each in rejects(done)] == [3]

    (history.folder / "history.csv.rejected.jsonl").rmdir()
    assert history.take(path).rejects.parent == history.folder
    assert not done.rejects.exists()


def test_a_good_import_takes_the_rejects_of_an_earlier_one_away(history):
    done = history.take(history.file("history.csv", HEADER + ",view,2017-08-01,p1,1,1,red\n"))
    assert done.rejects.exists()

    history.take(history.file("history.csv", HEADER + GOOD))

    assert not done.rejects.exists()
