"""`python -m demo`: import, train, serve, replay, report."""

import json
import secrets
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np

from demo.steps import Steps, home_of

FIRST, LAST = "2017-10-01", "2017-12-19"
ASKED_FIRST, ASKED_LAST, EVERY_DAYS = "2017-10-16", "2017-12-18", 3
DELIVERED_WITHIN_S = 30.0
POLICY = Path(__file__).parent / "triggers.yaml"


class Demo(Steps):
    """The steps, and how long each took."""

    def __init__(self, home: Path) -> None:
        from demo.journey import load

        super().__init__()
        self.home = home
        with self.step("read the data"):
            self.journey = load()

    @property
    def database(self) -> Path:
        """The log and the ledger."""
        return self.home / "opportune.db"

    def run(self) -> dict[str, Any]:
        """Do everything and return the summary."""
        from demo import judge, ledger
        from training.baselines import Logistic
        from training.parity import compare

        imported = self._import()
        with self.step("train"):
            self._command("training.retrain", "--horizons", "24h,7d")
        trained = json.loads((self.home / "retrain" / "summary.json").read_text())
        served, receiver = self._replay(imported)
        with self.step("judge"):
            logistic = Logistic.read(self.home / "retrain" / "logistic-24h.json")
            intent = judge.judged(self.journey, served, self.database, logistic)
            send_hour = self._send_hour()
        with self.step("parity"):
            parity = compare(self.database).summary()
        with self.step("audit the segments"):
            segments = self._audit()
        p50, p95, p99 = np.percentile(served.latencies_ms, [50, 95, 99])
        return {
            "events_imported": imported,
            "events_replayed": served.events,
            "users": int(self.journey.baskets["household_id"].nunique()),
            "intent": intent,
            "send_hour": send_hour,
            "decisions": ledger.decisions(self.database),
            "dispatch": {
                **ledger.dispatch(self.database),
                "verified": len(receiver.verified),
                "forged": receiver.forged,
            },
            "outcomes": {"attributed": ledger.attributed(self.database)},
            "parity": {each: parity[each] for each in ("rows", "mismatches")},
            "segments": segments,
            "latency_ms": {"p50": round(p50, 2), "p95": round(p95, 2), "p99": round(p99, 2)},
            "mlflow_run_id": trained["mlflow_run_id"],
            "model_version": trained["model_version"],
            "seconds": self.rounded,
        }

    def _import(self) -> int:
        from demo.journey import write_history
        from demo.replay import local_midnight

        with self.step("import"):
            history = self.home / "history.jsonl"
            imported = write_history(self.journey, history, local_midnight(FIRST))
            self._command("serving.history", str(history))
            history.unlink()
        return imported

    def _replay(self, imported: int) -> tuple[Any, Any]:
        from demo.process import serving
        from demo.receiver import Receiver
        from demo.replay import local_midnight, midnights, replay
        from serving.progress import Progress

        secret = f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"
        end = self.journey.before(local_midnight(LAST))
        asked_at = midnights(local_midnight(ASKED_FIRST), local_midnight(ASKED_LAST), EVERY_DAYS)
        bar = Progress(quiet=not sys.stderr.isatty())
        with Receiver(secret) as receiver:
            settings = {
                "replay": "true",
                "triggers": str(POLICY),
                "score_sample": "1",
                "webhook_url": receiver.url,
                "webhook_secret": secret,
                "watch_registry": "false",
            }
            with self.step("start the service"):
                self._command("serving.registry", "--once")
                service = serving(self.home, settings)
                client = service.__enter__()
            try:
                with self.step("replay"):
                    bar.begin("Replaying the autumn", end - imported)
                    sent = 0

                    def advance(count: int) -> None:
                        nonlocal sent
                        sent += count
                        bar.reach(sent)

                    served = replay(client, self.journey, imported, end, asked_at, advance)
                    bar.end()
                    self._wait_for_delivery()
            finally:
                service.__exit__(None, None, None)
        return served, receiver

    def _wait_for_delivery(self) -> None:
        from demo.ledger import due_segments, waiting

        deadline = time.monotonic() + DELIVERED_WITHIN_S
        while (waiting(self.database) or due_segments(self.database)) and time.monotonic() < deadline:
            time.sleep(0.1)

    def _send_hour(self) -> dict[str, Any]:
        from demo import hours
        from demo.replay import local_midnight
        from serving.champions import Champions

        model = Champions(self.home / "bundles", ("24h", "7d")).load().send_hours
        if model is None:
            raise RuntimeError("no model of send hours came into service")
        return hours.judged(self.journey, self.database, model, local_midnight(FIRST))

    def _audit(self) -> dict[str, int]:
        from policy.source import load
        from serving.champions import Champions
        from serving.database import open_database
        from serving.segment_audit import audit

        scorer = Champions(self.home / "bundles", ("24h", "7d")).load()
        database = open_database(self.database)
        with database.connect() as connection:
            found = audit(connection, load(POLICY), scorer)
        database.dispose()
        sys.stderr.write(f"{found}\n")
        return found.summary()

    def _command(self, module: str, *arguments: str) -> None:
        from demo.process import run

        run(module, *arguments, home=self.home)


def main() -> int:
    """Run the demonstration and show one screen."""
    home = home_of("demo")
    from demo.screen import show

    demo = Demo(home)
    summary = demo.run()
    (home / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    show(summary, home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
