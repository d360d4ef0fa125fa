"""Files of products, as shops have them."""

import gzip

import pytest

from serving.driver import driver
from serving.product_files import main
from serving.products import read
from tests.serving.databases import a_database


@pytest.fixture
def take(tmp_path, monkeypatch, capsys):
    """Return what imports a file and tells status, what was said and what is known of some products."""
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path / "home"))

    def _take(name, content, *ids):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        status = main([str(file)])
        with a_database(tmp_path / "home") as database, database.connect() as connection:
            found = read(driver(connection), ids)
        return status, capsys.readouterr(), {key: _known(each) for key, each in found.items()}

    return _take


def _known(product):
    return {name: value for name, value in product.items() if value not in (None, {})} if product else None


FEED = (
    "id\ttitle\tprice\tlink\timage_link\tproduct_type\tquantity\tcolour\n"
    "p-1\tLamp\t39.90 EUR\thttps://shop.example/1\t\tLamps\t3\tgreen\n"
)


def test_a_product_feed_is_taken_as_it_is(take):
    status, said, found = take("feed.tsv", FEED, "p-1")

    assert (status, said.out) == (0, "1 products written\n")
    assert found["p-1"] == {
        "product_id": "p-1",
        "name": "Lamp",
        "price": 39.9,
        "currency": "EUR",
        "url": "https://shop.example/1",
        "category": "Lamps",
        "stock": 3,
        "attributes": {"colour": "green"},
    }


def test_json_lines_and_compressed_files_are_taken_too(take):
    lines = b'{"product_id": "p-1", "price": 2, "attributes": {"a": true}, "b": "c"}\n\n{"product_id": "p-2"}'

    assert take("p.jsonl.gz", gzip.compress(lines), "p-1", "p-2")[2] == {
        "p-1": {"product_id": "p-1", "price": 2.0, "attributes": {"a": True, "b": "c"}},
        "p-2": {"product_id": "p-2"},
    }


def test_a_second_file_changes_what_it_names(take):
    take("a.csv", "product_id,name,price\np-1,Lamp,3\n")

    assert take("b.csv", "product_id,stock\np-1,0\n", "p-1")[2]["p-1"] == {
        "product_id": "p-1",
        "name": "Lamp",
        "price": 3.0,
        "stock": 0,
    }


def test_bad_rows_are_left_out_and_told_by_line_and_field(take):
    table = 'sku,name,price,url\np-1,"two\nlines",1,\np-2,b,cheap,\np-3,c,1\n,d,1,\np-5,e,1,javascript:x\np-6,f,1,\n'
    status, said, found = take("p.csv", table, "p-1", "p-2", "p-6")

    assert (status, sorted(found)) == (1, ["p-1", "p-6"])
    assert said.out == "2 products written; 4 rows were left out\n"
    assert said.err.splitlines() == [
        "p.csv:4: price: Input should be a valid number",
        "p.csv:5: has 3 cells for 4 columns",
        "p.csv:6: product_id: Field required",
        "p.csv:7: url: is no web address: it begins with http:// or https://",
    ]


@pytest.mark.parametrize(
    "line", ["{", "[]", "null", '{"product_id": 7}', '{"attributes": [], "x": 1}', "[" * 99_999, "\x00"]
)
def test_a_line_that_is_no_product_is_told(take, line):
    status, said, found = take("p.jsonl", f'{{"product_id": "p-1"}}\n{line}\n', "p-1")

    assert (status, list(found)) == (1, ["p-1"])
    assert said.err.startswith("p.jsonl:2: ")


def test_a_row_of_a_table_that_cannot_be_read_costs_no_other(take):
    status, said, found = take("p.csv", b'id,name\np-1,"not closed\np-2,b\np-3,\xff\n', "p-1", "p-2", "p-3")

    assert (status, list(found)) == (1, ["p-2"])
    assert said.err.splitlines() == ["p.csv:2: is not CSV: unexpected end of data", "p.csv:4: is not UTF-8"]


def test_a_compressed_table_that_is_cut_off_is_told(take):
    rows = "".join(f"p-{n},{n * 7919 % 1000}\n" for n in range(1000))
    status, said, found = take("p.csv.gz", gzip.compress(f"id,name\n{rows}".encode())[:-20], "p-0")

    assert (status, list(found)) == (1, ["p-0"])
    assert "the compressed file is cut off or damaged" in said.err


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("p.xml", "<a/>", "is none of .csv, .tsv, .jsonl (also with .gz)"),
        ("p.csv", "name\nLamp\n", "no column is known as product_id, id or sku; the columns are name"),
        ("p.csv", b"\xff\n", "the file does not begin with a line in UTF-8 that names the columns"),
        ("p.csv", "", "the file does not begin with a line in UTF-8 that names the columns"),
    ],
)
def test_a_file_that_holds_no_products_is_refused(take, tmp_path, name, content, reason):
    status, said, _ = take(name, content)

    assert (status, said.err) == (1, f"nothing imported: {tmp_path / name}: {reason}\n")
