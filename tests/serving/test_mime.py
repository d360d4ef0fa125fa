"""E-mails as bytes: what a rendering may add to them, and what not."""

import email
import email.policy
from email.headerregistry import Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.mime import NoEmail, address, page, recipient
from serving.mime import email as written
from serving.rendered import Rendered

SENDER = Address("Shop", addr_spec="news@shop.example")
TO = Address(addr_spec="ada@example.com")


def made(**words):
    given = {"text": "Hello"} | words
    raw = written(Rendered(**given), TO, sender=SENDER, reply_to=None, message_id="msg_1", at=1_700_000_000_000_000)
    return raw, email.message_from_bytes(raw, policy=email.policy.default)


def test_a_preheader_is_hidden_at_the_beginning_of_the_page():
    hidden = '<div style="display:none;max-height:0;overflow:hidden">50 % &lt;off&gt;</div>'

    assert (
        page(Rendered(html='<BODY class="a"><p>x</p>', preheader="50 % <off>")) == f'<BODY class="a">{hidden}<p>x</p>'
    )
    assert page(Rendered(html="<p>x</p>", preheader="50 % <off>")) == f"{hidden}<p>x</p>"
    assert page(Rendered(html="<p>x</p>")) == "<p>x</p>"
    assert page(Rendered(text="x", preheader="y")) is None


def test_a_rendering_adds_headers_but_changes_none_of_ours_and_begins_no_new_line():
    _, mail = made(
        headers={
            "X-Campaign": "cart\r\nBcc: eve@example.com",
            "To": "eve@example.com",
            "bcc": "eve@example.com",
            "Content-Type": "text/html",
            "Bad Name": "x",
        }
    )

    assert mail["X-Campaign"] == "cart Bcc: eve@example.com"
    assert (mail["To"], mail["Bcc"], mail["Bad Name"]) == ("ada@example.com", None, None)
    assert mail.get_content_type() == "text/plain"


@given(subject=st.text(max_size=300), text=st.text(min_size=1, max_size=300))
def test_whatever_a_template_says_there_is_one_recipient_and_one_subject(subject, text):
    raw, mail = made(subject=subject, text=text)

    assert mail.get_all("To") == ["ada@example.com"]
    assert len(mail.get_all("Subject")) == 1
    assert mail["Bcc"] is None
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert made(subject=subject, text=text)[0] == raw


@pytest.mark.parametrize(
    "to", ["", "nobody", "a@", "@b.example", "a b@c.example", "a@b.example,c@d.example", "ä@b.example", "a@b\n.example"]
)
def test_what_is_no_address_is_no_recipient(to):
    with pytest.raises(NoEmail):
        recipient(Rendered(to=to))


def test_a_domain_of_any_script_is_written_in_ascii():
    assert address("ada@läden.example").addr_spec == "ada@xn--lden-loa.example"
    assert address("ada@straße.example").addr_spec == "ada@xn--strae-oqa.example"  # strasse.example is another's


@given(text=st.text(min_size=1, max_size=400), html=st.text(min_size=1, max_size=400))
def test_both_parts_say_what_the_templates_said_line_by_line(text, html):
    def lines(said):
        return said.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")

    raw, mail = made(text=text, html=html)

    parts = list(mail.iter_parts())
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert [lines(part.get_content()) for part in parts] == [lines(text), lines(html)]
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 78


def test_what_is_not_ascii_in_a_header_is_encoded_and_read_as_it_was_meant():
    raw, mail = made(subject="Ada, dein Körbchen wartet – noch heute " * 4, html="<p>x</p>")

    assert raw.partition(b"\r\n\r\n")[0].isascii()
    assert mail["Subject"] == ("Ada, dein Körbchen wartet – noch heute " * 4).strip()
    assert mail["MIME-Version"] == "1.0"
