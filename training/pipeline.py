"""Retraining from the log to the alias: frame, models, gate, registry, summary."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from features.catalog import CATALOGUE
from models.horizon import duration
from training import learned_segments_report, send_hour_summary
from training.baskets import read_baskets
from training.dataset import Orders
from training.exposure import CARRY_OVER, Messages, read_messages
from training.frame import Frame, build, matured
from training.learned_segments import refuse_few
from training.learned_segments_recording import record as record_segments
from training.learning import learn
from training.lineage import iso
from training.log import Log, beginning, ending, read_log
from training.recommending import recommending, record
from training.recommending_report import lines as lines_of_recommendations
from training.recording import Recording
from training.registry import Registry
from training.send_hour_recording import record as record_hours
from training.send_hours import refuse_short
from training.summary import figures_of_nothing, lines, summary
from training.windows import TooLittleHistory

T = TypeVar("T")
Say = Callable[[str], None]


class Retraining:
    """One run of `make retrain`."""

    def __init__(
        self,
        home: Path,
        *,
        cutoff_us: int | None = None,
        registry: str | None = None,
        say: Say,
        carry_over: timedelta = CARRY_OVER,
    ) -> None:
        """Prepare.

        Args:
            home: Whose log.
            cutoff_us: The moment after which nothing is known; None for the whole log.
            registry: An MLflow other than the one in `home`.
            say: Takes every line.
            carry_over: How long a message goes on changing what people do.
        """
        self._home = home
        self._carry_over = carry_over
        self._cutoff_us = cutoff_us
        self._registry_uri = registry
        self._say = say
        self._directory = home / "retrain"
        self._registry: Registry | None = None
        self._log: Log | None = None

    def run(self, horizons: Sequence[str]) -> dict[str, Any]:
        """Train a model for each horizon, write `retrain/summary.json` and return what it holds."""
        self._directory.mkdir(parents=True, exist_ok=True)
        try:
            frame = self._frame(horizons)
            found = {each: self._horizon(each, frame) for each in horizons}
        except TooLittleHistory as reason:
            found = {each: figures_of_nothing(str(reason)) for each in horizons}
        for each, its in found.items():
            for line in lines(each, its):
                self._say(line)
        recommendations = self._recommend()
        for line in lines_of_recommendations(recommendations):
            self._say(line)
        hours = self._send_hours()
        for line in send_hour_summary.lines(hours):
            self._say(line)
        segments = self._segments()
        for line in learned_segments_report.lines(segments):
            self._say(line)
        whole = {
            **summary(found),
            "recommendations": recommendations,
            "send_hour": hours,
            "segments": segments,
        }
        path = self._directory / "summary.json"
        path.write_text(json.dumps(whole, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        self._say(f"figures in {path}, reports beside it")
        return whole

    def _frame(self, horizons: Sequence[str]) -> Frame:
        """Build the training frame.

        Raises:
            TooLittleHistory: There is nothing to build it from.
        """
        log = self._read()
        first, last = log.span
        if not len(log.arrays):
            said = "is empty" if self._cutoff_us is None else f"holds nothing from before {iso(self._cutoff_us)}"
            raise TooLittleHistory(f"too few purchases to learn from: the log {said}")
        self._say(f"{len(log.arrays):,} events of {len(log.user_keys):,} users, {iso(first)} to {iso(last)}")
        for line in _strays(log):
            self._say(line)
        widths = [duration(each) for each in horizons]
        frame = self._timed("joined the features", lambda: self._built(log, widths))
        self._say(f"{len(frame.points):,} decision points, {frame.features.shape[1]} features")
        for begin, end in zip(frame.still.begins.tolist(), frame.still.ends.tolist(), strict=True):
            self._say(f"nothing at all was written down from {iso(begin)} to {iso(end)}: that time teaches nothing")
        return frame

    def _built(self, log: Log, widths: Sequence[timedelta]) -> Frame:
        def messages(bought: Orders) -> Messages:
            return read_messages(self._home / "opportune.db", log.user_nos, bought, until_us=log.span[1])

        return build(log, widths, self._directory, messages, self._carry_over)

    def _read(self) -> Log:
        if self._log is None:
            database = self._home / "opportune.db"
            self._log = self._timed("read the log", lambda: read_log(database, until_us=self._cutoff_us))
        return self._log

    def _send_hours(self) -> dict[str, Any]:
        """Learn at which hours people are there, and return the figures."""
        log, database = self._read(), self._home / "opportune.db"
        try:
            refuse_short(log)
            registry = self._opened()
            return self._timed(
                "learned and recorded send hours",
                lambda: record_hours(log, database, registry, self._directory, cutoff_us=self._cutoff_us),
            )
        except TooLittleHistory as reason:
            return send_hour_summary.figures_of_nothing(str(reason))

    def _segments(self) -> dict[str, Any]:
        """Learn which kinds of people there are, and return the figures."""
        log = self._read()
        try:
            refuse_few(log)
            registry = self._opened()
            return self._timed(
                "learned and recorded segments",
                lambda: record_segments(log, registry, self._directory, cutoff_us=self._cutoff_us),
            )
        except TooLittleHistory as reason:
            return learned_segments_report.figures_of_nothing(str(reason))

    def _horizon(self, horizon: str, frame: Frame) -> dict[str, Any]:
        try:
            known = matured(frame, duration(horizon))
            learned = self._timed(
                f"learned {horizon}",
                lambda: learn(known.rows, known.windows, known.recent_orders, CATALOGUE, messages=known.messages),
            )
        except TooLittleHistory as reason:
            return figures_of_nothing(str(reason))
        registry = self._opened()
        recording = Recording(self._home, registry, self._directory)
        return self._timed(
            f"recorded {horizon}", lambda: recording.record(horizon, learned, frame, known, cutoff_us=self._cutoff_us)
        )

    def _recommend(self) -> dict[str, Any] | None:
        """Learn which products to recommend, and return the figures; None where there is too little to learn from."""
        database, cutoff_us = self._home / "opportune.db", self._cutoff_us
        baskets = self._timed("read the baskets", lambda: read_baskets(database, until_us=cutoff_us))
        found = self._timed("learned what goes together", lambda: recommending(baskets))
        if found is None:
            return None
        registry = self._opened()
        return self._timed(
            "recorded recommendations", lambda: record(found, registry, self._directory, cutoff_us=cutoff_us)
        )

    def _opened(self) -> Registry:
        if self._registry is None:
            self._registry = self._timed("opened the registry", lambda: Registry(self._home, self._registry_uri))
        return self._registry

    def _timed(self, words: str, do: Callable[[], T]) -> T:
        begun = time.perf_counter()
        found = do()
        self._say(f"{words} in {time.perf_counter() - begun:.1f} s")
        return found


def _strays(log: Log) -> list[str]:
    """Return what is to be said of a few events that lie far from all others."""
    moments = log.arrays.known_at
    begins, ends = beginning(moments), ending(moments)
    early, late = int((moments < begins).sum()), int((moments > ends).sum())
    said = []
    if early:
        said.append(f"{early:,} events lie before a silence longer than all that came after it: left out of account")
    if late:
        said.append(
            f"{late:,} events lie after a silence longer than all that came before it: if that is where a history "
            f"ends and a test began, CUTOFF={iso(ends)} learns from the history"
        )
    return said
