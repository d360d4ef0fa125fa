"""The links of a message lead through us, and then where they said."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.links import LONGEST_URL, is_web_address, tracked, unsubscribe_url
from serving.tokens import Clicked, Opened, Tokens

BASE = "https://links.example/mail"
TOKENS = Tokens("a secret")
UNSUBSCRIBE = unsubscribe_url(BASE, TOKENS.unsubscribe("u-1", "email", "marketing", "m-1"))


TRAP = (
    rf'<a href="{re.escape(BASE)}/c/([\w-]+)" rel="nofollow" tabindex="-1" aria-hidden="true" style="display:none"></a>'
)


def through_us(html):
    """Return the message with its links as they lead through us replaced by what they say."""
    made = re.sub(TRAP, lambda found: f"<{told(found[1])}>", tracked(html, TOKENS, "m-1", base=BASE))
    return re.sub(rf'"{re.escape(BASE)}/[co]/([\w-]+)(?:\.gif)?"', lambda found: f"<{told(found[1])}>", made)


def told(token):
    content = TOKENS.read(token)
    assert content.message_id == "m-1"
    return content.url if isinstance(content, Clicked) else getattr(content, "trap", type(content).__name__)


PICTURE = '<img src=<Opened> width="1" height="1" alt="" style="display:none">'


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="https://a.example/x?p=1&amp;q=2">Cart</a>', "<a href=<https://a.example/x?p=1&q=2>>Cart</a>"),
        ("<A class='b' HREF='http://a.example'>", "<A class='b' HREF=<http://a.example>>"),
        ("<a href=https://a.example/>x</a>", "<a href=<https://a.example/>>x</a>"),
        ('<a\n title="href=\'https://no.example\'"\n href="https://a.example">', None),
        ('<map><area href="https://a.example"></map>', "<map><area href=<https://a.example>></map>"),
        ('<p>é\r\n\u2028</p>\n<a href="https://ä.example/ü">', "<p>é\r\n\u2028</p>\n<a href=<https://ä.example/ü>>"),
    ],
)
def test_a_link_tells_of_its_click_and_then_leads_where_it_said(html, expected):
    expected = expected or html.replace('"https://a.example"', "<https://a.example>")
    made = through_us(html)

    assert made.replace("<first>", "").replace("<last>", "") == expected + PICTURE


def test_traps_stand_before_the_first_link_that_tells_of_clicks_and_at_the_end():
    html = f'<body><a href="{UNSUBSCRIBE}">Bye</a><p><a href="https://a.example">1</a><a href="https://b.example">2</a></p></body>'

    assert through_us(html) == (
        f'<body><a href="{UNSUBSCRIBE}">Bye</a><p><first><a href=<https://a.example>>1</a>'
        f"<a href=<https://b.example>>2</a></p><last>{PICTURE}</body>"
    )


@pytest.mark.parametrize(
    "html",
    [
        "",
        "no link & no <b>tag",
        '<a href="mailto:ada@example.org">',
        '<a href="tel:+49">',
        '<a href="#top">',
        '<a href="/relative">',
        '<a href="javascript:alert(1)">',
        '<a href="https://">',
        '<a href="https://[broken">',
        "<a href>",
        "<a name=x>",
        f'<a href="https://a.example/{"x" * LONGEST_URL}">',
        '<a data-untracked href="https://a.example">',
        f'<a href="{UNSUBSCRIBE}">Unsubscribe</a>',
        '<!-- <a href="https://a.example"> -->',
        '<style>a{content:"<a href=https://a.example>"}</style>',
        '<img src="https://a.example/x.png">',
        '<a href="https://a.example',
    ],
)
def test_everything_else_stays_as_it_is(html):
    assert through_us(html) == html + PICTURE


def test_the_picture_comes_last_in_the_body():
    assert through_us("<html><body><p>Hi</p></BODY></html>") == f"<html><body><p>Hi</p>{PICTURE}</BODY></html>"


def test_the_same_message_is_the_same_to_the_letter_when_it_is_made_again():
    html = '<a href="https://a.example">x</a>'

    assert tracked(html, TOKENS, "m-1", base=BASE) == tracked(html, TOKENS, "m-1", base=BASE)
    assert tracked(html, TOKENS, "m-1", base=BASE) != tracked(html, TOKENS, "m-2", base=BASE)


@given(st.text(st.sampled_from("<a hrefHREF='\"=/>\n\r&;https:x.y!-"), max_size=60))
def test_any_text_is_taken_and_stays_what_it_was_but_for_links(text):
    made = tracked(text, TOKENS, "m-1", base=BASE)
    token = made.rsplit("/o/", 1)[1].partition(".gif")[0]

    assert TOKENS.read(token) == Opened("m-1")
    if "/c/" not in made:
        assert made.replace(f'"{BASE}/o/{token}.gif"', "<Opened>").replace(PICTURE, "", 1) == text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//a.example", "", "https://", "http://[x"])
def test_a_browser_is_sent_to_web_pages_only(url):
    assert not is_web_address(unescape(url))
