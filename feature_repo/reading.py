"""Packed states in, features out: what the on-demand feature view does, in any process that asks Feast."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from features.catalog import CATALOGUE
from features.fold import read_rows
from features.layout import ANCHOR
from features.state import MalformedState, unpack


def read_packed(packed: "Iterable[bytes | None]", as_of: "pd.Series[int]") -> pd.DataFrame:
    """Return a column for each feature of the catalogue, and a row for each state as of its own moment (µs).

    A state that is absent, damaged or of another layout, or that knows events after its moment, has NaN everywhere.
    """
    states = np.full((len(as_of), CATALOGUE.width), np.nan)
    for row, each in enumerate(packed):
        if isinstance(each, bytes):
            try:
                states[row] = unpack(each)
            except MalformedState:
                continue
    moments = as_of.to_numpy(dtype=np.float64, na_value=np.nan)
    answered = states[:, ANCHOR] <= moments
    features = np.full((len(as_of), CATALOGUE.n_features), np.nan)
    features[answered] = read_rows(states[answered], moments[answered].astype(np.int64))
    return pd.DataFrame(features, columns=list(CATALOGUE.names), index=as_of.index)
