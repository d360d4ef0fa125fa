"""Products over HTTP, on the real application."""

import pytest

from tests.contract.running import running

LAMP = {
    "product_id": "a/7 ü",
    "name": "Lamp",
    "price": 39.9,
    "currency": "EUR",
    "image_url": "https://shop.example/7.jpg",
    "url": "https://shop.example/7",
    "category": "Lamps",
    "stock": 3,
    "attributes": {"colour": "green", "new": True},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("home")) as up:
        yield up


def put(server, *products):
    return server.ask("PUT", "/v1/products", {"products": list(products)})


def test_a_product_is_what_was_told_of_it(server):
    assert put(server, LAMP, {"product_id": "p-8"}).json() == {"products": 2}

    assert server.ask("GET", "/v1/products/a/7%20%C3%BC").json() == LAMP
    assert put(server, {"product_id": "a/7 ü", "stock": 0, "url": None}).status == 200
    assert server.ask("GET", "/v1/products/a/7%20%C3%BC").json() == LAMP | {"stock": 0, "url": None}


def test_of_an_unknown_product_nothing_is_told(server):
    answer = server.ask("GET", "/v1/products/nothing")

    assert (answer.status, answer.json()["code"]) == (404, "unknown_product")


@pytest.mark.parametrize(
    ("product", "place"),
    [
        ({"product_id": ""}, "product_id"),
        ({"product_id": "x" * 257}, "product_id"),
        ({"product_id": "p", "price": -1}, "price"),
        ({"product_id": "p", "price": "12"}, "price"),
        ({"product_id": "p", "currency": "euro"}, "currency"),
        ({"product_id": "p", "url": "javascript:alert(1)"}, "url"),
        ({"product_id": "p", "image_url": "//x"}, "image_url"),
        ({"product_id": "p", "stock": 1.5}, "stock"),
        ({"product_id": "p", "colour": "green"}, "colour"),
        ({"product_id": "p", "attributes": {f"a{i}": 1 for i in range(51)}}, "attributes"),
        ({"product_id": "p", "attributes": {"a": "x" * 4000}}, "attributes"),
        ({"product_id": "p", "attributes": {"a": "half an emoji: \ud83d"}}, "attributes"),
        ({"product_id": "p", "attributes": {"a": {"b": 1}}}, "attributes.a"),
        ({"product_id": "p", "attributes": {"a": 1, "b": ["x"]}}, "attributes.b"),
        ({"product_id": "p", "name": "half an emoji: \ud83d"}, "name"),
    ],
)
def test_a_malformed_product_is_refused_by_its_place(server, product, place):
    answer = put(server, LAMP | {"stock": 99}, product)

    assert (answer.status, answer.json()["code"]) == (400, "invalid_field")
    assert answer.json()["field"] == f"products[1].{place}"
    assert "Value error" not in answer.json()["detail"]
    assert server.ask("GET", "/v1/products/p").status == 404
