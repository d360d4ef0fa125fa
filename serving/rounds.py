"""A round of a batch: what was read since the last one is scored, decided and written down, all in one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from features.catalog import CATALOGUE
from features.layout import Floats
from models.send_hour import SendHourModel
from serving import ledger
from serving.clock import wall
from serving.items import Score
from serving.ledger import EvaluationRow
from serving.log import Appender
from serving.scorer import NOTHING_PREDICTED
from serving.send_hours import PersonHours, Profiles
from serving.uplifts import foresee
from serving.verdicts import Verdicts
from serving.work import Tools, Work

BOT: Final = "bot"
"""Why somebody is excluded who is quicker than people are."""
_json = msgspec.json.Encoder().encode


class Round:
    """The readings of a batch that no round before it had."""

    def __init__(self, tools: Tools, work: Work) -> None:
        """Take what `work` has read and not scored yet."""
        first = len(work.scores)
        self._tools = tools
        self._work = work
        self._readings = work.readings[first:]
        self._scores: Sequence[Score] = ()
        self._predicted = NOTHING_PREDICTED

    def score(self, rows: Floats, hours: Floats) -> None:
        """Score the readings, whose features and, if a model asks for them, hours are in the rows of matrices."""
        if len(rows) < len(self._readings):
            rows = np.array([rows[each.row] if each.features is None else each.features for each in self._readings])
        self._predicted = self._tools.scorer.score(rows)
        self._scores = [
            Score(
                each.seq > 0,
                intent,
                features,
                decision_id=each.decision_id if each.keep else None,
                untracked=each.untracked,
            )
            for each, features, intent in zip(self._readings, rows, self._predicted.intents, strict=True)
        ]
        self._work.scores += self._scores
        if self._tools.scorer.send_hours is not None:
            self._know_hours(self._tools.scorer.send_hours, hours)

    def _know_hours(self, model: SendHourModel, hours: Floats) -> None:
        """Let each score tell the person's hours, if it is asked."""
        if not self._readings:
            return
        counts = np.array([each.hours if each.row < 0 else hours[each.row] for each in self._readings])
        zones = [None if each.person is None else each.person.timezone for each in self._readings]
        found = Profiles(model, counts, [each.at for each in self._readings], zones)
        for row, (score, timezone) in enumerate(zip(self._scores, zones, strict=True)):
            score.hours = PersonHours(found, row, timezone)

    def exclude(self, inhuman_reads: npt.NDArray[np.bool_]) -> None:
        """Let nothing be sent to whoever had been quicker than people are when they were read, by the row of that."""
        inhuman = inhuman_reads.tolist()
        if True not in inhuman:
            return
        for each in self._readings:
            if each.occasion is not None and each.row >= 0 and inhuman[each.row]:
                each.occasion.excluded = each.occasion.excluded or BOT

    def decide(self, verdicts: Verdicts, appender: Appender, *, writes: bool) -> None:
        """Ask the triggers of each reading, and tell those that wait no longer; the events are written before."""
        asking = [
            (each, score)
            for each, score in zip(self._readings, self._scores, strict=True)
            if each.triggers or each.cancelled
        ]
        if self._tools.policy.uplifts and self._tools.scorer.uplifts:
            foresee(asking, self._tools.scorer.uplifts)
        if self._work.lessons or asking:
            occasions = [each.occasion for each, _ in asking if each.occasion is not None]
            verdicts.prepare(occasions, self._work.links, self._work.lessons)
        if writes:
            # Only now: what is prepared is what was known before the round; conditions may count what it took.
            appender.save()
        for each, score in asking:
            if each.occasion is not None:
                for trigger, step in each.cancelled:
                    ended = verdicts.cancel(each.occasion, trigger, step, score.intent, each.decision_id)
                    score.decisions.append(ended)
                score.decisions += verdicts.decide(each.occasion, each.triggers, score, each.decision_id)

    def write(self, connection: Connection, verdicts: Verdicts, *, writes: bool) -> None:
        """Write evaluations and decisions, or keep the former for the next batch that writes."""
        now = wall()
        asked = [(i, each.person.no) for i, each in enumerate(self._readings) if each.keep and each.person is not None]
        places = [place for place, _ in asked]
        beside = zip(asked, self._in_shadow(places), self._predicted.raw(places), strict=True)
        kept = [self._evaluation(place, number, shadow, raw, now) for (place, number), shadow, raw in beside]
        if not writes:
            self._tools.unwritten += kept
            return
        ledger.write(connection, kept, verdicts.rows)
        verdicts.save(now=now)
        self._work.concerned.update(each.person.no for each in self._work.lessons)
        self._work.links.clear()
        self._work.lessons.clear()

    def _in_shadow(self, places: Sequence[int]) -> list[str | None]:
        """Return what challengers say of the readings there; those that fail are asked no more."""
        scorer = self._tools.scorer
        said, left = scorer.shadow.said([self._scores[place].features for place in places])
        if left is not scorer.shadow:
            self._tools.scorer = replace(scorer, shadow=left)
        return said

    def _evaluation(self, place: int, user_no: int, shadow: str | None, raw: str | None, now: int) -> EvaluationRow:
        reading, score = self._readings[place], self._scores[place]
        return EvaluationRow(
            decision_id=reading.decision_id,
            user_no=user_no,
            seq=reading.seq,
            at=reading.at,
            event_seq=reading.event_seq,
            features=bytearray(score.features.tobytes()),
            catalogue=CATALOGUE.fingerprint,
            scores=_json(score.intent).decode(),
            models=self._tools.scorer.versions_json,
            answered_at=now,
            shadow=shadow,
            raw_scores=raw,
        )
