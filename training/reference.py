"""What a bundle keeps of the rows that its model learned from, for whoever compares what is served with them."""

import numpy as np

from features.catalog import CATALOGUE
from models.reference import Binned, Compared, Judged, Reference
from training.dataset import Asked, Points
from training.drift import Ints, binned, edges_around_heaps, worth
from training.expected import expected
from training.frame import Frame, Matured
from training.learning import Learned
from training.log import Floats, Log
from training.occasions import NO_EVENT, Words, occasions


def reference(frame: Frame, known: Matured, learned: Learned) -> Reference:
    """Return how features and scores of a model were distributed, by occasion.

    Features are those of all decision points, also where a message changed what followed: serving meets these, too.
    Scores are those on the window that nothing was learned from, weighted as they were judged.
    """
    names_of_all = occasions(kinds(frame.log, frame.points), frame.features)
    judged = learned.judged
    inside = known.windows.test.holds(known.rows.at)
    names_of_judged = occasions(kinds(frame.log, known.points.where(inside)), judged.rows.features)
    found = tuple(np.unique(names_of_all).tolist())
    person = frame.orders.person[frame.points.user]
    weight = judged.rows.weight
    foreseen = expected(judged.predicted, weight)
    return Reference(
        occasions=found,
        learned=_compared(names_of_all, found, person, None),
        features={
            name: _binned(frame.features[:, CATALOGUE.names.index(name)], names_of_all, found, None)
            for name in learned.features
        },
        tested=_compared(names_of_judged, found, judged.rows.user, weight),
        scores=_binned(judged.predicted, names_of_judged, found, weight),
        judged=Judged(
            rows=judged.judgement.rows,
            base_rate=judged.judgement.base_rate,
            roc_auc=judged.judgement.roc_auc,
            expected_roc_auc=foreseen.roc_auc,
            log_loss=judged.judgement.log_loss,
            expected_log_loss=foreseen.log_loss,
        ),
    )


def kinds(log: Log, points: Points) -> Ints:
    """Return the kind of the event after which each point was drawn; `NO_EVENT` for the others."""
    rows = log.last_rows(log.owners(points.user, points.at), points.at)
    after_event = (points.asked == Asked.EVENT) & (rows >= 0)
    return np.where(after_event, log.kinds[np.maximum(rows, 0)], NO_EVENT)


def _compared(names: Words, occasions: tuple[str, ...], person: Ints, weight: Floats | None) -> Compared:
    inside = [names == each for each in occasions]
    return Compared(
        rows=tuple(int(each.sum()) for each in inside),
        worth=tuple(worth(person[each], None if weight is None else weight[each]) for each in inside),
    )


def _binned(values: Floats, names: Words, occasions: tuple[str, ...], weight: Floats | None) -> Binned:
    edges = edges_around_heaps(values)
    inside = [names == each for each in occasions]
    counts = [binned(values[each], edges, None if weight is None else weight[each]) for each in inside]
    return Binned(edges=tuple(edges.tolist()), counts=tuple(tuple(each.tolist()) for each in counts))
