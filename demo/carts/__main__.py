"""`python -m demo.carts`: a day of carts, reminders by mail and webhook, and what people do with them."""

import json
import secrets
import sys
from base64 import b64encode
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from demo.steps import Steps, home_of

POLICY = Path(__file__).parent / "triggers.yaml"
LEFT = "cart-left"
CHANNELS = """\
endpoints:
  mail: {{type: smtp, host: 127.0.0.1, port: {port}, tls: none, from: "Merchandise Store <news@shop.example>"}}
channels: {{email: mail}}
"""


class Demo(Steps):
    """The steps, and how long each took."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.home = home

    @property
    def database(self) -> Path:
        """The log and the ledger."""
        return self.home / "opportune.db"

    def run(self) -> dict[str, Any]:
        """Do everything and return the summary."""
        from demo.carts.day import load
        from demo.carts.people import mailbox, visitor_of
        from demo.carts.post import PostOffice
        from demo.receiver import Receiver

        with self.step("read the data"):
            hits = load()
        secret = f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"
        with Receiver(secret) as receiver, PostOffice(lambda to: mailbox(visitor_of(to)) != "gone") as office:
            replay = self._replay(hits, receiver.url, secret, office)
        with self.step("add up"):
            summary = self._summary(hits, replay, receiver)
        self._keep(office)
        return {**summary, "seconds": self.rounded}

    def _replay(self, hits: Any, url: str, secret: str, office: Any) -> Any:
        from demo.carts.provider import HOOKS, KEY_VARIABLE, Provider
        from demo.carts.public import Public
        from demo.carts.replay import Replay
        from demo.process import free_port, serving
        from serving.progress import Progress

        provider, port = Provider(), free_port()
        (self.home / "channels.yaml").write_text(CHANNELS.format(port=office.port))
        (self.home / "hooks.yaml").write_text(HOOKS)
        settings = self._settings(port) | {"webhook_url": url, "webhook_secret": secret}
        variables = {KEY_VARIABLE: provider.public_key}
        with ExitStack() as opened:
            with self.step("start the service"):
                client = opened.enter_context(serving(self.home, settings, port=port, variables=variables))
            with self.step("replay"), Progress(quiet=not sys.stderr.isatty()) as bar:
                replay = Replay(client, self.database, office, Public(client, provider))
                bar.begin("Living through the day", len(hits))
                replay.run(hits, bar.advance)
        return replay

    def _settings(self, port: int) -> dict[str, str]:
        return {
            "replay": "true",
            "triggers": str(POLICY),
            "channels": str(self.home / "channels.yaml"),
            "hooks": str(self.home / "hooks.yaml"),
            "public_url": f"http://127.0.0.1:{port}",
            "watch_registry": "false",
        }

    def _summary(self, hits: Any, replay: Any, receiver: Any) -> dict[str, Any]:
        from demo.carts import tally
        from demo.carts.carts import carts
        from demo.carts.endings import endings

        found, ledger = carts(hits), tally.Ledger.read(self.database)
        arrived = tally.arrivals(replay.office.mails, receiver.receipts)
        ends = endings(found, ledger, arrived, LEFT, replay.known).most_common()
        return {
            "visitors": len({each.visitor for each in hits}),
            "hits": len(hits),
            "carts": len(found),
            "ordered": sum(each.ordered_at is not None for each in found),
            **_decided(ledger),
            **_received(ledger, arrived, replay),
            "forged": receiver.forged,
            "people": dict(replay.public.done),
            "counted": dict(ledger.responses),
            "unsubscribed": len(replay.public.unsubscribed),
            "sdk": tally.told(self.database, replay.sent, replay.refused),
            "endings": [
                {"got": [" ".join(map(str, each)) for each in got], "why": list(why), "carts": count}
                for (got, why), count in ends
            ],
        }

    def _keep(self, office: Any) -> None:
        """Leave the mails as they came, to be looked at."""
        folder = self.home / "mails"
        folder.mkdir()
        for number, mail in enumerate(office.mails, 1):
            (folder / f"{number:03d}.eml").write_bytes(mail.content)


def _decided(ledger: Any) -> dict[str, Any]:
    sent = ledger.of("send")
    return {
        "abandoned": ledger.left_behind(LEFT),
        "sent": len(sent),
        "follow_ups": sum(each.step > 0 for each in sent),
        "control": len(ledger.of("control")),
        "cancelled": ledger.cancelled,
        "held": ledger.held,
    }


def _received(ledger: Any, arrived: Any, replay: Any) -> dict[str, Any]:
    from demo.carts import tally

    return {
        "delivered": len({each.message_id for each in arrived}),
        "by_channel": {name: sum(each.channel == name for each in arrived) for name in ("email", "webhook")},
        "undelivered": tally.undelivered(ledger, arrived),
        "sent_after_unsubscribe": tally.sent_after(replay.public.went, arrived),
        "duplicate_sends": tally.sent_twice(arrived, lambda each: ledger.messages[each][0]),
        "p99_event_to_dispatch_s": tally.p99(tally.delays(arrived, replay.handed_over)),
    }


def main() -> int:
    """Run the demonstration and show one screen."""
    home = home_of("demo-carts")
    from demo.carts.screen import show

    summary = Demo(home).run()
    (home / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    show(summary, home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
