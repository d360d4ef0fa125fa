"""The unsubscribe page and its choices in a real browser, opened from a real mail."""

import pytest
from selenium.webdriver.common.by import By

from tests.clients.shop import wait_until


def link_of(mail):
    return str(mail["List-Unsubscribe"]).strip("<>")


def suppressed(shop, user):
    return shop.rows("SELECT channel, reason FROM suppressions WHERE subject = ?", user)


def text_of(browser):
    """What the page says now; nothing while another one is being loaded."""
    return browser.execute_script("return document.body ? document.body.innerText : ''")


def button(browser, text):
    return next(each for each in browser.find_elements(By.TAG_NAME, "button") if text in each.text)


def boxes(browser):
    found = browser.find_elements(By.CSS_SELECTOR, "input[type=checkbox]")
    return {each.get_attribute("value"): each for each in found}


def ticked(browser):
    return {name: each.is_selected() for name, each in boxes(browser).items()}


@pytest.fixture
def opened(shop, browser):
    """Return what opens the page that a user's mail links to."""

    def page_of(user):
        mail, _ = shop.mail_to(user)
        browser.get(link_of(mail))
        return browser

    return page_of


def test_looking_at_the_page_again_and_again_unsubscribes_nobody(shop, opened):
    page = opened("looker")
    for _ in range(3):
        page.refresh()

    assert "Unsubscribe" in text_of(page)
    assert suppressed(shop, "looker") == []


def test_the_button_unsubscribes(shop, opened):
    page = opened("leaver")
    button(page, "Unsubscribe").click()

    wait_until(lambda: "You are unsubscribed" in text_of(page))
    assert suppressed(shop, "leaver") == [("email", "unsubscribed")]


def test_choices_are_kept_without_a_login_and_shown_again(shop, opened):
    page = opened("chooser")
    assert ticked(page) == {"marketing:email": True, "news:sms": False}
    boxes(page)["news:sms"].click()
    button(page, "Save").click()

    wait_until(lambda: "saved" in text_of(page).casefold())
    page.get(page.current_url)
    assert ticked(page) == {"marketing:email": True, "news:sms": True}
    assert suppressed(shop, "chooser") == []


def test_the_page_needs_no_script_and_loads_nothing_from_elsewhere(browser, opened):
    browser.get_log("browser")
    page = opened("private")

    assert page.find_elements(By.TAG_NAME, "script") == []
    assert page.get_cookies() == []
    loaded = page.execute_script("return performance.getEntriesByType('resource').map(each => each.name)")
    assert [each for each in loaded if "favicon" not in each] == []
    refused = [
        each for each in page.get_log("browser") if each["level"] == "SEVERE" and "favicon" not in each["message"]
    ]
    assert refused == []


def test_a_link_that_is_not_ours_says_so(shop, browser):
    browser.get(f"{shop.url}/u/none-of-ours")

    assert "does not work" in text_of(browser)
