"""The screen of the carts shows every figure of their summary."""

import pytest

from demo.carts.screen import show

SUMMARY = {
    "visitors": 2293,
    "hits": 13_233,
    "carts": 161,
    "ordered": 39,
    "abandoned": 144,
    "sent": 141,
    "control": 15,
    "cancelled": 83,
    "held": {"capped": 36, "no_consent": 37},
    "follow_ups": 32,
    "undelivered": {"the mail server refused the recipient": 3},
    "delivered": 138,
    "by_channel": {"email": 84, "webhook": 54},
    "forged": 2,
    "people": {"opened": 49, "clicked": 17, "complained": 6, "bounced": 1, "links scanned": 47, "mails scanned": 11},
    "counted": {"opened": 48, "clicked": 16},
    "unsubscribed": 8,
    "sent_after_unsubscribe": 4,
    "duplicate_sends": 5,
    "p99_event_to_dispatch_s": 0.163,
    "sdk": {"accepted": 13_456, "rejected": 7, "sent_again": 9},
    "endings": [
        {"got": ["cart-left 0 email", "cart-left 1 email"], "why": [], "carts": 24},
        {"got": [], "why": ["cancelled"], "carts": 29},
        {"got": ["another 0 sms"], "why": ["put_off", "control"], "carts": 3},
    ],
    "seconds": {"replay": 12.8, "add up": 0.3},
}


@pytest.mark.parametrize(
    "told",
    [
        "13,233 hits of 2,293 visitors",
        "13,456 events accepted, 7 rejected, 9 known already",
        "161 filled, 39 ordered; 144 times left behind",
        "141 to send, 32 of them a day later; 15 withheld as control; 83 cancelled by an order",
        "held: 36 capped, 37 no_consent",
        "84 mails, 54 webhooks with a verified signature, 2 forged; not delivered: 3 the mail server refused the",
        "5 sent twice; from an event to the receiver p99 163 ms",
        "49 opened, 17 clicked, 8 unsubscribed, 6 complained, 1 bounced; the ledger has 48 opened and 16 clicked",
        "4 messages came after somebody had unsubscribed or complained",
        "followed 47 links in 11 mails",
        "│ 24 │ a mail, a second mail │",
        "│ 29 │ nothing │ ordered │",
        "│ 3 │ another 0 sms │ put_off, then held out for comparison │",
        "replay 13, add up 0: 13 seconds",
    ],
)
def test_every_figure_is_on_the_screen(told, tmp_path, capsys):
    show(SUMMARY, tmp_path)

    assert told in " ".join(capsys.readouterr().out.split())
