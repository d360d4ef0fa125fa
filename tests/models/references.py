"""What a made-up model learned from: the rows of one occasion, put into bins."""

import numpy as np

from models.reference import Binned, Compared, Judged, Reference
from training.drift import binned, edges_around_heaps


def a_reference(features, scores, *, occasion="product_added", base_rate=0.1):
    """Return the reference of rows of as many people: features by name and scores, each of shape (n,)."""
    (many,) = {each.size for each in (scores, *features.values())}
    compared = Compared(rows=(many,), worth=(float(many),))
    judged = Judged(
        rows=many, base_rate=base_rate, roc_auc=0.7, expected_roc_auc=0.71, log_loss=0.3, expected_log_loss=0.31
    )
    return Reference(
        occasions=(occasion,),
        learned=compared,
        features={name: in_bins(values) for name, values in features.items()},
        tested=compared,
        scores=in_bins(scores),
        judged=judged,
    )


def in_bins(values):
    """Return values in bins of their deciles."""
    edges = edges_around_heaps(values)
    return Binned(edges=tuple(edges.tolist()), counts=(tuple(binned(values, edges).tolist()),))


def some_values(seed=1, many=400):
    """Return values with gaps."""
    random = np.random.default_rng(seed)
    values = random.lognormal(0.0, 1.0, many)
    values[random.random(many) < 0.05] = np.nan
    return values
