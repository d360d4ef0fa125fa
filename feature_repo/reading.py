"""Packed states in, features out: what the on-demand feature view does, in any process that asks Feast."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from feature_repo.stores import home
from features.cache import keep_compiled

# Before the kernels are imported: whichever process asks Feast, nothing is kept outside of OPPORTUNE_HOME.
keep_compiled(home())

from features.catalog import CATALOGUE  # noqa: E402
from features.fold import read_rows  # noqa: E402
from features.layout import ANCHOR  # noqa: E402
from features.state import MalformedState, unpack  # noqa: E402


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
