"""The mail server of the demonstration keeps mail as it comes, and refuses what is for no mailbox."""

import smtplib

import pytest

from demo.carts.post import PostOffice
from serving.mime import address, email
from serving.rendered import Rendered

HTML = (
    '<p><a href="http://127.0.0.1/c/x">One</a><a href="http://127.0.0.1/c/t" style="display:none"></a>'
    '<a href="http://127.0.0.1/u/y">Two</a><img src="http://127.0.0.1/o/z.gif"></p>'
)
SAID = Rendered("ada@example.com", "Hello", html=HTML, headers={"List-Unsubscribe": "<http://127.0.0.1/u/y>"})


@pytest.fixture
def office():
    with PostOffice(lambda to: to.startswith("ada")) as opened:
        yield opened


def send(office, to):
    sent = email(SAID, address(to), sender=address("news@shop.example"), reply_to=None, message_id="msg_1", at=0)
    with smtplib.SMTP("127.0.0.1", office.port) as client:
        client.sendmail("news@shop.example", [to], sent)


def test_a_mail_is_kept_with_whom_it_is_for_and_what_it_links_to(office):
    send(office, "ada@example.com")

    [mail] = office.mails
    assert (mail.to, mail.message_id, mail.subject) == ("ada@example.com", "msg_1", "Hello")
    assert mail.one_click == "http://127.0.0.1/u/y"
    assert mail.links == ["http://127.0.0.1/c/x", "http://127.0.0.1/c/t", "http://127.0.0.1/u/y"]
    assert mail.seen_links == ["http://127.0.0.1/c/x", "http://127.0.0.1/u/y"]
    assert mail.pictures == ["http://127.0.0.1/o/z.gif"]


def test_mail_for_no_mailbox_is_refused_for_good(office):
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(office, "bob@example.com")

    assert refused.value.recipients["bob@example.com"][0] == 550
    assert (office.mails, office.refused) == ([], ["bob@example.com"])
