"""Webhooks of shops, as Shopify and WooCommerce document them, by the rules of the example."""

import json

import pytest

from features.events import BadEvent
from serving.errors import SignatureRefused, UnreadableBody
from serving.hook_file import read_hooks
from tests.conftest import ROOT
from tests.serving.webhooks import received, reports, shop_signature

ORDER = {
    "id": 820982911946154508,
    "email": "jon@example.com",
    "contact_email": "jon@example.com",
    "created_at": "2026-03-02T12:04:05-05:00",
    "currency": "USD",
    "cart_token": "68778783ad298f1c80c3bafcddeea02f",
    "total_price": "398.00",
    "total_tax": "0.00",
    "total_discounts": "20.00",
    "customer": {"id": 115310627314723954, "email": "john@example.com", "state": "disabled"},
    "line_items": [
        {
            "id": 866550311766439020,
            "product_id": 632910392,
            "sku": "IPOD2008PINK",
            "title": "IPod Nano - 8GB",
            "price": "199.00",
            "quantity": 2,
            "variant_title": None,
            "grams": 567,
        }
    ],
}
WOO_ORDER = {
    "id": 727,
    "status": "processing",
    "currency": "USD",
    "date_created_gmt": "2026-03-02T17:04:05",
    "discount_total": "0.00",
    "shipping_total": "10.00",
    "total": "29.35",
    "total_tax": "1.35",
    "customer_id": 0,
    "billing": {"first_name": "John", "email": "John.Doe@example.com"},
    "line_items": [{"id": 315, "name": "Woo Single #1", "product_id": 93, "quantity": 2, "price": 3, "sku": ""}],
}
SECRETS = {"SHOPIFY_SECRET": "hush", "WOOCOMMERCE_SECRET": "hush"}


@pytest.fixture(scope="module")
def hooks():
    return read_hooks(ROOT / "examples" / "hooks.yaml", SECRETS)


def shopify(topic, body, secret="hush", **headers):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"X_Shopify_Topic": topic, "X_Shopify_Hmac_Sha256": shop_signature(body, secret)}
    return received(body, **told | headers)


def woocommerce(topic, body):
    body = json.dumps(body).encode()
    return received(body, X_WC_Webhook_Topic=topic, X_WC_Webhook_Signature=shop_signature(body, "hush"))


def test_an_order_of_shopify_becomes_ours(hooks):
    [report] = reports(hooks["shopify"], shopify("orders/create", ORDER))

    assert (report.what, report.ids, report.address) == (
        "Order Completed",
        ("115310627314723954", None),
        "jon@example.com",
    )
    assert report.at == 1_772_471_045_000_000
    assert report.properties == {
        "order_id": 820982911946154508,
        "total": "398.00",
        "tax": "0.00",
        "discount": "20.00",
        "currency": "USD",
        "cart_id": "68778783ad298f1c80c3bafcddeea02f",
        "products": [
            {
                "product_id": 632910392,
                "sku": "IPOD2008PINK",
                "name": "IPod Nano - 8GB",
                "price": "199.00",
                "quantity": 2,
            }
        ],
    }


def test_an_order_that_is_told_again_has_the_same_id_whatever_else_changed(hooks):
    def told(body):
        return reports(hooks["shopify"], shopify("orders/create", body))[0].message_id

    assert told(ORDER) == told(ORDER | {"note": "called"}) != told(ORDER | {"id": 1})


def test_a_cart_of_shopify_is_that_of_somebody_unidentified(hooks):
    cart = {
        "id": "exampleCartId",
        "token": "exampleCartId",
        "line_items": [{"product_id": 788032119674292922, "price": "1.00", "quantity": 1, "title": "Example T-Shirt"}],
        "updated_at": "2026-03-02T17:04:05.131Z",
        "created_at": "2026-03-02T17:04:05.131Z",
    }

    [report] = reports(hooks["shopify"], shopify("carts/update", cart))

    assert (report.what, report.ids) == ("Cart Viewed", (None, "exampleCartId"))
    assert report.properties["products"][0]["product_id"] == 788032119674292922


def test_a_customer_is_somebody_with_traits(hooks):
    [report] = reports(
        hooks["shopify"], shopify("customers/create", {"id": 706405506930370084, "email": "bob@b.example"})
    )

    assert (report.call, report.ids, report.traits) == (
        "identify",
        ("706405506930370084", None),
        {"email": "bob@b.example"},
    )


def test_a_guest_of_woocommerce_is_looked_for_by_address(hooks):
    [report] = reports(hooks["woocommerce"], woocommerce("order.created", WOO_ORDER))

    assert (report.what, report.ids, report.address) == ("Order Completed", (None, None), "john.doe@example.com")
    assert report.at == 1_772_471_045_000_000


def test_an_order_of_woocommerce_counts_once_it_is_paid_and_then_once(hooks):
    hook = hooks["woocommerce"]

    assert reports(hook, woocommerce("order.created", WOO_ORDER | {"status": "pending"})) == []
    [paid] = reports(hook, woocommerce("order.updated", WOO_ORDER | {"customer_id": 26}))
    [done] = reports(hook, woocommerce("order.updated", WOO_ORDER | {"customer_id": 26, "status": "completed"}))
    assert paid.ids == ("26", None)
    assert paid.message_id == done.message_id


def test_a_topic_without_a_rule_is_nothing_to_us(hooks):
    assert reports(hooks["shopify"], shopify("products/update", {"id": 1})) == []


def test_what_woocommerce_sends_when_a_webhook_is_saved_tells_nothing(hooks):
    assert hooks["woocommerce"].opened(received(b"webhook_id=7")) == []


def test_another_signature_is_refused(hooks):
    for request in (
        shopify("orders/create", ORDER, secret="another"),
        shopify("orders/create", ORDER, X_Shopify_Hmac_Sha256=""),
        received(json.dumps(ORDER).encode(), X_Shopify_Topic="orders/create"),
    ):
        with pytest.raises(SignatureRefused) as refused:
            hooks["shopify"].opened(request)
        assert refused.value.field == "X-Shopify-Hmac-Sha256"


def test_a_signature_may_be_hexadecimal_behind_a_prefix(tmp_path):
    file = tmp_path / "hooks.yaml"
    file.write_text(
        "sources: {app: {secret_env: S, signature: X-Hub-Signature-256, encoding: hex, prefix: 'sha256=',"
        " events: {'*': {event: Signed Up, user_id: [user.id, id]}}}}",
        encoding="utf-8",
    )
    hook = read_hooks(file, {"S": "It's a Secret to Everybody"})["app"]
    # The example of https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    with pytest.raises(UnreadableBody):
        hook.opened(received(b"Hello, World!", X_Hub_Signature_256=signature))
    with pytest.raises(SignatureRefused):
        hook.opened(received(b"Hello, World?", X_Hub_Signature_256=signature))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        (ORDER | {"created_at": "soon"}, "created_at"),
        (ORDER | {"line_items": 7}, "line_items"),
        (ORDER | {"line_items": [7]}, "line_items[0]"),
        (ORDER | {"customer": {"id": ["7"]}}, "customer.id"),
    ],
)
def test_a_place_that_cannot_be_meant_is_named(hooks, body, field):
    with pytest.raises(BadEvent) as bad:
        reports(hooks["shopify"], shopify("orders/create", body))

    assert bad.value.field == field
