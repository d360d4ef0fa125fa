"""Messages in words: what templates see of a person, to whom they go, and the same again for a retry."""

from types import SimpleNamespace

import numpy as np
import pytest

from models.neighbours import Neighbours
from policy.source import parse
from serving.codes import Code, add
from serving.driver import driver
from serving.products import upsert
from serving.rendering import Links, Rendering
from serving.tokens import OptOut, Tokens
from tests.serving.engines import START, Shop, event

BASE = "https://t.example"
TOKENS = Tokens("secret")
POLICY = """
templates:
  cart:
    subject: "{{ profile.name | default('You') }}: {{ cart.count }} left"
    html: |
      <p>{{ profile.name | default('there') }}</p>
      {% for each in cart.products %}<a href="{{ each.url | default('https://shop.example') }}">{{ each.name }}</a>
      {% endfor %}
    text: "{{ cart.products | map(attribute='name') | join(', ') }}{% if unsubscribe_url %} {{ unsubscribe_url }}{% endif %}"
triggers:
  - {name: cart, on: Cart Viewed, threshold: 0, cool_down: 0, hold_out: 0, mode: live, channel: CHANNEL, CONTENT
     guards: {consent: none}}
"""  # noqa: E501 - a template of one line


def policy_of(content="{template: cart}", channel="email"):
    return POLICY.replace("CHANNEL", channel).replace("CONTENT", f"content: {content},")


@pytest.fixture
def make(tmp_path):
    """Return what opens a shop with a policy; all are closed in the end."""
    opened = []

    def _open(content="{template: cart}", channel="email"):
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        opened.append(Shop(folder, policy_of(content, channel)))
        return opened[-1]

    yield _open
    for each in opened:
        each.close()


def product(what, at, product_id="p-1", user="u", **fields):
    return event(what, user, at, properties={"product_id": product_id, **fields})


async def tell(shop, *events, traits=None):
    known = event("", "u", -100, type="identify", traits={"email": "Ann@b.example", **(traits or {})})
    await shop.engine.ingest([known, *events, event("Cart Viewed", "u", 1000, properties={"cart_id": "c"})])


def claims(shop):
    rows = shop.rows("SELECT message_id, body, created_at FROM outbox")
    return [SimpleNamespace(message_id=row[0], body=row[1], enqueued_at=row[2]) for row in rows]


def said(shop, links=None, policy=None, neighbours=lambda: None):
    rendering = Rendering(lambda: policy or shop.tools.policy, links, neighbours)
    with shop.database.begin() as connection:
        [found] = rendering.rendered(connection, claims(shop)).values()
    return found


async def test_a_message_holds_the_cart_of_its_person_with_the_products_of_the_shop(make):
    shop = make()
    with shop.database.begin() as connection:
        upsert(connection, [{"product_id": "p-2", "name": "Bed & board", "url": "https://shop.example/2"}], at=START)
    added = product("Product Added", 1, name="Lamp"), product("Product Added", 2, "p-2", name="bed", quantity=2)
    await tell(shop, *added, traits={"name": "<Ann>"})

    found = said(shop)

    assert (found.to, found.subject, found.text) == ("ann@b.example", "<Ann>: 3 left", "Lamp, Bed & board")
    assert found.html.splitlines() == [
        "<p>&lt;Ann&gt;</p>",
        '<a href="https://shop.example">Lamp</a>',
        '<a href="https://shop.example/2">Bed &amp; board</a>',
    ]
    assert found.headers == {}


async def test_a_retry_says_the_same_whatever_changed_meanwhile(make):
    shop = make()
    await tell(shop, product("Product Added", 1, name="Lamp"))
    first = said(shop)
    await shop.engine.ingest([product("Product Removed", 2000, name="Lamp")])

    assert said(shop, policy=parse("triggers: []")) == first
    assert shop.rows("SELECT count(*) FROM renderings") == [(1,)]


async def test_links_lead_through_the_server_and_mail_programs_can_unsubscribe(make):
    shop = make()
    await tell(shop, product("Product Added", 1, name="Lamp"))

    found = said(shop, Links(TOKENS, BASE))

    url = found.headers["List-Unsubscribe"].strip("<>")
    [claim] = claims(shop)
    assert TOKENS.read(url.removeprefix(f"{BASE}/u/")) == OptOut("u", "email", "marketing", claim.message_id)
    assert found.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert found.text == f"Lamp {url}"
    assert f'<a href="{BASE}/c/' in found.html
    assert f'<img src="{BASE}/o/' in found.html


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ user.id }} {{ trigger }} {{ step }} {{ channel }} {{ threshold }} {{ score }}", "u cart 0 sms 0.0 0.3"),
        ("{{ event.name }} {{ event.properties.cart_id }}", "Cart Viewed c"),
        ("{{ features.cart_items }} {{ features.cart_value }}", "2.0 7.0"),
        ("{{ content.discount }}", "10%"),
        ("{{ profile.address.city }} {{ profile.timezone | default('-') }}", "Bonn -"),
        ("{{ cart.value | money(cart.currency) }}, {{ cart.products[0].quantity }}", "7.00 USD, 2"),
        ("{% for each in viewed %}{{ each.product_id }} {% endfor %}", "p-9 p-1 "),
        ("{% if unsubscribe_url %}x{% else %}-{% endif %}", "-"),
    ],
)
async def test_templates_see_what_is_known(make, template, text):
    shop = make(f'{{sms: "{template}", discount: 10%}}', "sms")
    await tell(
        shop,
        product("Product Viewed", 1, name="Lamp"),
        product("Product Viewed", 2, "p-9"),
        product("Product Added", 3, name="Lamp", price=3.5, currency="USD", quantity=2, url="javascript:x"),
        traits={"phone": "+49 1", "address": {"city": "Bonn"}, "nothing": None},
    )

    assert said(shop).sms == text
    assert said(shop).to == "+491"


async def test_recommendations_are_products_of_the_shop_and_asked_for_only_where_a_template_does(make):
    asked = []

    def learned():
        asked.append(True)
        return Neighbours(("p-1", "p-2"), np.empty((2, 0), dtype=np.int32), np.empty((2, 0)))

    shop = make(
        '{sms: "{% for each in recommendations %}{{ each.name }} {{ each.url | default(1) }} {% endfor %}"}', "sms"
    )
    plain = make('{sms: "{{ cart.count }}"}', "sms")
    for each in (shop, plain):
        with each.database.begin() as connection:
            upsert(connection, [{"product_id": "p-1", "name": "Lamp"}, {"product_id": "p-2", "name": "Bed"}], at=START)
        await tell(each, product("Product Added", 1), traits={"phone": "+49 1"})

    assert said(plain, neighbours=learned).sms == "1"
    assert asked == []
    assert said(shop, neighbours=learned).sms == "Bed 1 "
    assert asked == [True]


async def test_a_message_says_the_code_that_was_handed_out_and_until_when_it_is_good(make):
    shop = make('{sms: "{{ code }} {{ code_expires_at | default(1) }}"}, codes: {pool: spring}', "sms")
    with shop.database.begin() as connection:
        add(connection, "spring", [Code("C-1", 1_767_225_600_000_000)], at=START)
    await tell(shop, traits={"phone": "+49 1"})

    assert said(shop).sms == "C-1 2026-01-01T00:00:00Z"


async def test_a_template_without_a_default_says_that_there_is_no_code(make):
    shop = make('{sms: "{{ code }}"}, codes: {pool: spring, if_empty: send_without}', "sms")
    await tell(shop, traits={"phone": "+49 1"})

    assert str(said(shop)) == "template: sms, line 1: code is not known; say what to write then: | default('…')"


async def test_before_anything_was_learned_nothing_is_recommended(make):
    shop = make('{sms: "{{ recommendations | length }}{% if not recommendations %} none{% endif %}"}', "sms")
    await tell(shop, traits={"phone": "+49 1"})

    assert said(shop).sms == "0 none"


async def test_an_order_empties_the_cart_and_what_was_removed_is_not_in_it(make):
    shop = make('{sms: "{% for each in cart.products %}{{ each.product_id }}:{{ each.quantity }} {% endfor %}"}', "sms")
    await tell(
        shop,
        product("Product Added", 1),
        event("Order Completed", "u", 2, properties={"order_id": "o", "total": 1}),
        product("Product Added", 3, "p-2", quantity=3),
        product("Product Removed", 4, "p-2"),
        product("Product Added", 5, "p-3"),
        product("Product Removed", 6, "p-3"),
        traits={"phone": "123"},
    )

    assert said(shop).sms == "p-2:2 "


async def test_the_cart_of_before_the_sign_in_is_the_persons_too(make):
    shop = make('{sms: "{{ cart.products | length }} {{ user.id }}"}', "sms")
    before = event("Product Added", None, 1, anonymousId="a", properties={"product_id": "p-1"})
    link = event("", "u", 2, type="identify", anonymousId="a", traits={"phone": "123"})
    await tell(shop, before, link)

    assert said(shop).sms == "1 u"


async def test_push_goes_to_the_token_of_the_profile_and_json_is_filled_in_throughout(make):
    shop = make('{push: hi, json: {a: ["{{ profile.push_token }}", 3, null], b: {c: "{{ 1 + 1 }}"}}}', "push")
    await tell(shop, traits={"push_token": "t-1"})

    assert (said(shop).to, said(shop).json) == ("t-1", {"a": ["t-1", 3, None], "b": {"c": "2"}})


async def test_a_subject_is_one_line(make):
    shop = make('{subject: "{{ profile.name }}", text: t}')
    await tell(shop, traits={"name": "Ann\r\nBcc: all@b.example"})

    assert said(shop).subject == "Ann Bcc: all@b.example"


@pytest.mark.parametrize(
    ("content", "channel", "reason"),
    [
        ("{template: crat}", "email", "no_content: its content has no subject; there is no template crat"),
        ("{subject: S}", "email", "no_content: its content has no text or html"),
        ("{sms: hi}", "sms", "no_address: no address for sms is known"),
        ("{push: hi}", "push", "no_address: no address for push is known"),
        ('{subject: "a\\n{{ profile.x }}", text: t}', "email",
         "template: subject, line 2: x is not known; say what to write then: | default('…')"),
        ('{json: {a: "{{ 1 / 0 }}"}}', "webhook", "template: json, line 1: cannot be computed: ZeroDivisionError"),
        ('{subject: "{{ content.x }}", text: t, x: %s}' % ("y" * 600), "email",
         "template: subject, line 1: is longer than 500 characters"),
    ],
)  # fmt: skip
async def test_what_cannot_be_said_tells_why_and_is_not_kept(make, content, channel, reason):
    shop = make(content, channel)
    await tell(shop)

    assert str(said(shop)) == reason
    assert shop.rows("SELECT count(*) FROM renderings") == [(0,)]


async def test_of_several_addresses_the_newest_counts_that_nothing_stands_against(make):
    shop = make('{subject: S, text: "T"}')
    await tell(shop, event("", "u", 1, type="identify", traits={"email": "new@b.example"}))
    bounced = event("Email Bounced", "v", 2, properties={"email": "new@b.example"})

    assert said(shop).to == "new@b.example"
    with shop.database.begin() as connection:
        driver(connection).execute("DELETE FROM renderings")
    await shop.engine.ingest([bounced])
    assert said(shop).to == "ann@b.example"


async def test_whoever_is_erased_leaves_no_words(make):
    shop = make()
    await tell(shop, product("Product Added", 1, name="Lamp"))
    said(shop)

    await shop.engine.erase("u")

    assert shop.rows("SELECT count(*) FROM renderings") == [(0,)]
