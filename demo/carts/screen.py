"""What became of the carts, as one screen."""

from collections import Counter
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from demo.screen import near, seconds, time_taken

_WIDTH: Final = 110
_GOT: Final = {
    "cart-left 0 email": "a mail",
    "cart-left 0 webhook": "a word where they shop",
    "cart-left 1 email": "a second mail",
    "checkout-left 0 webhook": "a word to the staff",
}
_WHY: Final = {
    "cancelled": "ordered",
    "capped": "got enough",
    "condition_not_met": "clicked on the mail, or emptied the cart",
    "control": "held out for comparison",
    "cooling_down": "the same cart again",
    "no_address": "left no address",
    "no_consent": "did not agree to be written to",
    "suppressed": "unsubscribed, complained or bounced",
}


def show(summary: dict[str, Any], home: Path) -> None:
    """Print the summary."""
    console = Console(width=_WIDTH)
    console.rule("[bold]Opportune: a day of the Google Merchandise Store, its carts, and their reminders")
    for title, text in _lines(summary, home):
        console.print(f"[bold]{title:<10}[/]{text}", soft_wrap=False)
    console.print(_endings(summary))


def _lines(summary: dict[str, Any], home: Path) -> list[tuple[str, str]]:
    return [
        *_decided(summary),
        *_received(summary),
        *_done(summary),
        ("Mails", f"{near(home)}/mails, as they came"),
        ("Figures", f"{near(home)}/summary.json"),
        ("Time", time_taken(summary["seconds"])),
    ]


def _decided(summary: dict[str, Any]) -> list[tuple[str, str]]:
    sdk = summary["sdk"]
    held = ", ".join(f"{count:,} {reason}" for reason, count in summary["held"].items())
    sends = f"{summary['sent']} to send, {summary['follow_ups']} of them a day later"
    others = f"{summary['control']} withheld as control; {summary['cancelled']} cancelled by an order"
    return [
        ("Day", f"{summary['hits']:,} hits of {summary['visitors']:,} visitors, 1 August 2017; addresses are made up"),
        ("SDK", f"{sdk['accepted']:,} events accepted, {sdk['rejected']} rejected, {sdk['sent_again']} known already"),
        ("Carts", f"{summary['carts']} filled, {summary['ordered']} ordered; {summary['abandoned']} times left behind"),
        ("Decisions", f"{sends}; {others}"),
        ("", f"held: {held}"),
    ]


def _received(summary: dict[str, Any]) -> list[tuple[str, str]]:
    by, p99 = summary["by_channel"], seconds(summary["p99_event_to_dispatch_s"])
    lost = ", ".join(f"{count} {why}" for why, count in summary["undelivered"].items()) or "nothing"
    webhooks = f"{by['webhook']} webhooks with a verified signature, {summary['forged']} forged"
    return [
        ("Receivers", f"{by['email']} mails, {webhooks}; not delivered: {lost}"),
        ("", f"{summary['duplicate_sends']} sent twice; from an event to the receiver p99 {p99}"),
    ]


def _done(summary: dict[str, Any]) -> list[tuple[str, str]]:
    people, counted = Counter(summary["people"]), Counter(summary["counted"])
    did = f"{people['opened']} opened, {people['clicked']} clicked, {summary['unsubscribed']} unsubscribed"
    found = f"the ledger has {counted['opened']} opened and {counted['clicked']} clicked"
    after = "messages came after somebody had unsubscribed or complained"
    return [
        ("People", f"{did}, {people['complained']} complained, {people['bounced']} bounced; {found}"),
        ("", f"{summary['sent_after_unsubscribe']} {after}"),
        ("Scanners", f"followed {people['links scanned']} links in {people['mails scanned']} mails"),
    ]


def _endings(summary: dict[str, Any]) -> Table:
    table = Table(title="What was got about each cart, and why no more")
    table.add_column("carts", justify="right")
    table.add_column("got")
    table.add_column("why no more")
    for each in summary["endings"]:
        got = ", ".join(_GOT.get(what, what) for what in each["got"]) or "nothing"
        why = ", then ".join(_WHY.get(reason, reason) for reason in each["why"])
        table.add_row(str(each["carts"]), got, why)
    return table
