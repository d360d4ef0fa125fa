"""The log of a time replayed under the present policy and under another one: `make what-if` tells what would differ.

Both are rehearsed in the same way, so that the comparison is fair: what happened before is history that decides
nothing, waits begin with the first day, the models are the home's champions. The home itself is only read.
"""

import argparse
import asyncio
import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from shutil import copyfile

from features.events import Event
from features.mapping import EventMapping
from features.moments import SECOND_US, to_us
from policy.policy import Policy
from policy.source import PolicyRefused, load
from policy.variants import all_live
from serving.champions import Champions
from serving.database import for_writing, opened_database
from serving.history_append import append_history
from serving.mapping_file import MappingRefused, read_mapping
from serving.past_events import logged
from serving.rehearsal import Rehearsed, rehearsal
from serving.scorer import Scorer
from serving.settings import Settings, settings_of_process
from serving.shadow import Shadow
from serving.suppressions import Suppression, add
from serving.what_if_picture import picture
from serving.what_if_summary import Comparison, compare, table

_AT_ONCE = 5000
# Those that no event tells of, too: what was put there by hand.
_SUPPRESSED = "SELECT kind, subject, channel, reason, at FROM suppressions WHERE at < ?"
_LATE_US = SECOND_US
"""What came later than this after it happened is told when it came."""


class Window:
    """The log of a home before and within a time; moments in microseconds."""

    def __init__(self, home: Path, first: int, end: int) -> None:
        self._file = home / "opportune.db"
        self.first = first
        self.end = end

    def history(self, file: Path) -> None:
        """Put what happened before into a new database at a path."""
        with opened_database(file) as database:
            for events in _parts(event for event, known_at in self._events(0, self.first)):
                with for_writing(database).begin() as connection:
                    append_history(connection, events, origin="import", received_at=self.first)
            with for_writing(database).begin() as connection, self._home() as home:
                add(connection, [Suppression(*row) for row in home.execute(_SUPPRESSED, (self.first,))])

    def events(self) -> list[tuple[Event, int]]:
        """Return what happened within, each with the moment at which it became known, in that order."""
        return list(self._events(self.first, self.end))

    def _events(self, first: int, end: int) -> Iterator[tuple[Event, int]]:
        with self._home() as connection:
            yield from logged(connection, first, end)

    def _home(self) -> closing[sqlite3.Connection]:
        # Only to be read: whoever serves the home goes on, and nothing of it changes.
        return closing(sqlite3.connect(f"{self._file.absolute().as_uri()}?mode=ro", uri=True))


async def rehearsed(
    policy: Policy, models: Scorer, mapping: EventMapping, history: Path, window: Window
) -> list[Rehearsed]:
    """Return what a policy decides about the events of a window, after a history at a path that is left as it is."""

    def prepare(file: Path) -> None:
        copyfile(history, file)

    with rehearsal(policy, models, mapping=mapping, start=window.first, prepare=prepare) as shop:
        at_hand: list[Event] = []
        for event, known_at in window.events():
            if known_at - event.occurred_at > _LATE_US or len(at_hand) >= _AT_ONCE:
                await shop.tell(*at_hand)
                at_hand = []
                await shop.reach(known_at)
            at_hand.append(event)
        await shop.tell(*at_hand)
        await shop.reach(window.end)
        return shop.decisions()


def _parts(events: Iterator[Event]) -> Iterator[list[Event]]:
    taken: list[Event] = []
    for each in events:
        taken.append(each)
        if len(taken) == _AT_ONCE:
            yield taken
            taken = []
    if taken:
        yield taken


def what_if(settings: Settings, present: Policy, other: Policy, window: Window, mapping: EventMapping) -> Comparison:
    """Rehearse both policies on the log of a home and compare what they decide."""
    models = Champions(settings.home / "bundles", sorted({*settings.horizons, *present.horizons, *other.horizons}))
    # What challengers would say is asked of live traffic only.
    scorer = replace(models.load(), shadow=Shadow())
    with tempfile.TemporaryDirectory(prefix="what-if-") as folder:
        history = Path(folder) / "opportune.db"
        window.history(history)
        before, after = (
            asyncio.run(rehearsed(policy, scorer, mapping, history, window)) for policy in (present, other)
        )
    return compare(before, after)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the policy in force with the one of a file; 0 compared, 1 refused."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.end <= given.first:
        parser.error(f"argument --to: must be later than --from (is {given.end})")
    settings = settings_of_process()
    try:
        mapping = read_mapping(settings.events, given.map)
        present, other = (load(file, kind_of=mapping.kind_of) for file in (settings.triggers, given.triggers))
    except (PolicyRefused, MappingRefused) as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    if not settings.database.exists():
        sys.stderr.write(f"what-if: there is no log in {settings.home}\n")
        return 1
    if given.as_live:
        present, other = all_live(present), all_live(other)
    window = Window(settings.home, _moment(given.first), _moment(given.end))
    try:
        found = what_if(settings, present, other, window, mapping)
    except sqlite3.DatabaseError as error:
        sys.stderr.write(f"what-if: {settings.database} cannot be read: {error}\n")
        return 1
    _write(found, settings.home / "what-if", given, {"present": present.version, "other": other.version})
    sys.stdout.write(f"{table(found)}\n{_remark(present, other)}Written to {settings.home}/what-if\n")
    return 0


def _write(found: Comparison, folder: Path, given: argparse.Namespace, versions: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    said = {"from": str(given.first), "to": str(given.end), **versions, **found.as_json()}
    (folder / "summary.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    title = f"The present policy and {given.triggers.name}, {given.first} to {given.end}"
    (folder / "what-if.svg").write_text(picture(found, title), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving.what_if", description=__doc__)
    parser.add_argument("triggers", type=Path, help="the other policy file")
    parser.add_argument("--from", dest="first", type=_day, required=True, help="the first day, UTC")
    parser.add_argument("--to", dest="end", type=_day, required=True, help="the day after the last")
    parser.add_argument("--map", type=Path, help="a mapping file, laid over the shipped one")
    parser.add_argument("--as-live", action="store_true", help="rehearse every trigger as if it were live")
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a day such as 2017-11-01 (is {text!r})") from None


def _moment(day: date) -> int:
    return to_us(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _remark(*policies: Policy) -> str:
    resting = sorted({each.name for policy in policies for each in policy.triggers if not each.live})
    if not resting:
        return ""
    return f"In dry run, so that they send nothing: {', '.join(resting)}; AS_LIVE=1 rehearses them as if live.\n"


if __name__ == "__main__":
    sys.exit(main())
