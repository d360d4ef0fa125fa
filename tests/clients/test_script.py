"""`/opportune.js` in a real browser, on pages of another origin than the server's."""

import time

import pytest

from tests.clients.browser import pages
from tests.clients.shop import wait_until

SCRIPT = '<script async src="{url}/opportune.js?key={key}"{consent}></script>'
BEFORE = """<script>
window.opportune = window.opportune || function () { (opportune.q = opportune.q || []).push(arguments) };
window.dataLayer = window.dataLayer || [];
dataLayer.push({event: "gtm.js"});
dataLayer.push({event: "view_item", ecommerce: {currency: "USD", value: 9.5, items: [{item_id: "p-1", price: 9.5}]}});
opportune("track", "Product Clicked", {product_id: "p-early"});
</script>"""
PAGE = """<!DOCTYPE html><html><head><title>{title}</title>{head}</head>
<body><div style="height:3000px">Shop</div></body></html>"""


@pytest.fixture(scope="module")
def site(shop):
    script = SCRIPT.format(url=shop.url, key=shop.keys["pages"], consent="")
    asking = SCRIPT.format(url=shop.url, key=shop.keys["pages"], consent=' data-consent="analytics"')
    contents = {
        "/plain": PAGE.format(title="Plain", head=script),
        "/early": PAGE.format(title="Early", head=BEFORE + script),
        "/asking": PAGE.format(title="Asking", head=BEFORE + asking),
        "/elsewhere": PAGE.format(title="Elsewhere", head=""),
    }
    with pages(contents) as address:
        yield address


@pytest.fixture
def visit(browser, site):
    """Return what opens a page as somebody who was never here, once the script runs."""

    def opened(path):
        browser.get(f"{site}/elsewhere")
        browser.execute_script("localStorage.clear(); sessionStorage.clear()")
        browser.get(f"{site}{path}")
        wait_until(lambda: browser.execute_script("return window.opportune && !window.opportune.q"))
        return f"{site}{path}"

    return opened


def known(browser):
    return browser.execute_script("return localStorage.getItem('opportune_id')")


def told(shop, browser, *names):
    """Return what arrived of this browser's visitor, once all of these did."""
    visitor = wait_until(lambda: known(browser))
    return wait_for(shop, f"anonymous:{visitor}", *names)


def wait_for(shop, user, *names):
    def found():
        events = shop.events(user)
        return events if set(names) <= {name for name, _ in events} else None

    try:
        return wait_until(found)
    except AssertionError as error:
        came, refused = [name for name, _ in shop.events(user)], shop.rows("SELECT field, reason FROM rejects")
        raise AssertionError(f"{names} did not arrive, but {came}; refused were {refused}") from error


def test_a_page_that_is_opened_is_a_page_view(shop, browser, visit):
    address = visit("/plain?utm_source=test")

    [(name, payload)] = told(shop, browser, "Page Viewed")

    assert name == "Page Viewed"
    assert payload["properties"]["url"] == address
    assert payload["properties"]["path"] == "/plain"
    assert payload["context"]["page"]["title"] == "Plain"


def test_what_was_pushed_and_asked_before_the_script_was_there_arrives_too(shop, browser, visit):
    visit("/early")

    events = dict(told(shop, browser, "Page Viewed", "Product Viewed", "Product Clicked"))

    assert len(events) == 3
    assert events["Product Viewed"]["properties"]["price"] == 9.5
    assert events["Product Clicked"]["properties"] == {"product_id": "p-early"}


def test_a_push_later_on_is_an_event(shop, browser, visit):
    visit("/plain")
    browser.execute_script(
        'dataLayer.push({event: "add_to_cart", ecommerce: {items: [{item_id: "p-7", item_name: "A mug", price: 12}]}})'
    )

    added = dict(told(shop, browser, "Product Added"))["Product Added"]["properties"]

    assert added["product_id"] == "p-7"
    assert added["price"] == 12


def test_a_path_that_changes_without_a_load_is_a_page_view(shop, browser, visit):
    visit("/plain")
    browser.execute_script('history.pushState({}, "", "/plain/inside")')

    wait_until(
        lambda: (
            [p["properties"]["path"] for n, p in told(shop, browser, "Page Viewed") if n == "Page Viewed"]
            == ["/plain", "/plain/inside"]
        )
    )


def test_a_page_that_is_left_tells_how_long_it_was_looked_at_and_how_far(shop, browser, visit, site):
    visit("/plain")
    visitor = wait_until(lambda: known(browser))
    browser.execute_script("window.scrollTo(0, 1200)")
    time.sleep(1.2)
    browser.get(f"{site}/elsewhere")

    left = dict(wait_for(shop, f"anonymous:{visitor}", "Page Left"))["Page Left"]["properties"]

    assert left["path"] == "/plain"
    assert 1.0 <= left["seconds_on_page"] < 20
    # 1,200 of about 3,000 are above the window, and its own height is seen, too.
    assert 50 <= left["scroll_percent"] < 80


def test_who_says_who_they_are_is_known_by_that(shop, browser, visit):
    visit("/plain")
    browser.execute_script('opportune("identify", "u-browser", {email: "ada@example.com"})')
    browser.execute_script('opportune("track", "Product Added", {product_id: "p-8"})')

    events = wait_for(shop, "u-browser", "Product Added")

    assert dict(events)["Product Added"]["properties"] == {"product_id": "p-8"}
    assert shop.rows("SELECT count(*) FROM addresses WHERE address = 'ada@example.com'") == [(1,)]


def test_before_consent_nothing_is_sent_and_nothing_is_stored(shop, browser, visit, site):
    visit("/asking?case=silent")
    browser.execute_script('dataLayer.push({event: "add_to_cart", ecommerce: {items: [{item_id: "p-9"}]}})')
    time.sleep(1.0)

    assert browser.execute_script("return localStorage.length") == 0
    browser.get(f"{site}/elsewhere")
    time.sleep(0.5)
    assert shop.rows("SELECT name FROM events WHERE payload LIKE '%case=silent%' OR payload LIKE '%p-9%'") == []
    assert browser.execute_script("return [localStorage.length, document.cookie]") == [0, ""]


@pytest.mark.parametrize(
    "agree",
    ['opportune("consent", true)', 'dataLayer.push(["consent", "update", {analytics_storage: "granted"}])'],
    ids=["opportune", "gtag"],
)
def test_with_consent_what_happened_on_the_page_before_is_sent_with_it(shop, browser, visit, agree):
    visit("/asking")
    browser.execute_script(agree)

    events = dict(told(shop, browser, "Page Viewed", "Product Viewed", "Product Clicked"))

    agreed = [payload["context"]["consent"]["categoryPreferences"] for payload in events.values()]
    assert agreed == [{"analytics": True}] * 3


def test_a_consent_that_is_taken_back_is_told_and_forgets_the_visitor(shop, browser, visit):
    visit("/asking")
    browser.execute_script('opportune("consent", true)')
    visitor = wait_until(lambda: known(browser))
    browser.execute_script('opportune("consent", false)')
    browser.execute_script('opportune("track", "Product Added", {product_id: "p-after"})')

    name = "Segment Consent Preference Updated"
    events = wait_for(shop, f"anonymous:{visitor}", name)
    time.sleep(0.8)

    assert dict(events)[name]["context"]["consent"]["categoryPreferences"] == {"analytics": False}
    assert "Product Added" not in dict(shop.events(f"anonymous:{visitor}"))
    assert known(browser) is None
