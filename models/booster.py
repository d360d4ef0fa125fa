"""LightGBM's library without its Python package, whose import takes seconds and brings pandas and scikit-learn along.

Six functions of its C API (https://lightgbm.readthedocs.io/en/stable/C-API.html) are all that predicting needs.
"""

import ctypes
import importlib.util
import weakref
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_FLOAT64 = 1
_ROW_MAJOR = 1
_LOG_ODDS, _CONTRIBUTIONS = 1, 3
_ALL_TREES = (0, -1)
# One thread: with more, a busy neighbour core makes a call 200 times slower.
_PARAMETERS = b"num_threads=1 verbosity=-1"


class LibraryMissing(ImportError):
    """LightGBM's library cannot be loaded; on Debian and Ubuntu it needs the package libgomp1."""


class ModelNotLoaded(ValueError):
    """LightGBM refused the text of a model; the message is its own."""


class Booster:
    """A model loaded from its text. Not for use from two threads at once.

    LightGBM ends the process on some damaged texts instead of refusing them.
    """

    def __init__(self, text: str) -> None:
        """Load a model.

        Raises:
            ModelNotLoaded: LightGBM refused it.
            LibraryMissing: There is no LightGBM to load it with.
        """
        self._library = _library()
        self._handle = ctypes.c_void_p()
        trees, features = ctypes.c_int(), ctypes.c_int()
        self._call("LGBM_BoosterLoadModelFromString", text.encode(), ctypes.byref(trees), ctypes.byref(self._handle))
        self._call("LGBM_BoosterGetNumFeature", self._handle, ctypes.byref(features))
        self.trees = trees.value
        self.features = features.value
        self._one_row = ctypes.c_void_p()
        weakref.finalize(self, _free, self._library, self._handle, self._one_row)
        self._call(
            "LGBM_BoosterPredictForMatSingleRowFastInit",
            self._handle,
            ctypes.c_int(_LOG_ODDS),
            *(ctypes.c_int(each) for each in _ALL_TREES),
            ctypes.c_int(_FLOAT64),
            ctypes.c_int32(self.features),
            ctypes.c_char_p(_PARAMETERS),
            ctypes.byref(self._one_row),
        )

    def log_odds(self, rows: Floats) -> Floats:
        """Return the raw log-odds, of shape (n,), of rows of shape (n, features), in one call."""
        if len(rows) == 1:
            return self._of_one(rows)
        return self._predicted(rows, _LOG_ODDS, 1)[:, 0]

    def contributions(self, rows: Floats) -> Floats:
        """Return what each feature added to the log-odds, of shape (n, features + 1); the last is what all have."""
        return self._predicted(rows, _CONTRIBUTIONS, self.features + 1)

    def _of_one(self, rows: Floats) -> Floats:
        row, out, size = np.ascontiguousarray(rows, dtype=np.float64), np.empty(1), ctypes.c_int64()
        self._fits(row)
        self._call(
            "LGBM_BoosterPredictForMatSingleRowFast",
            self._one_row,
            ctypes.c_void_p(row.ctypes.data),
            ctypes.byref(size),
            ctypes.c_void_p(out.ctypes.data),
        )
        return out

    def _predicted(self, rows: Floats, kind: int, width: int) -> Floats:
        rows = np.ascontiguousarray(rows, dtype=np.float64)
        self._fits(rows)
        out, size = np.empty((len(rows), width)), ctypes.c_int64()
        if not len(rows):
            return out
        self._call(
            "LGBM_BoosterPredictForMat",
            self._handle,
            ctypes.c_void_p(rows.ctypes.data),
            ctypes.c_int(_FLOAT64),
            ctypes.c_int32(len(rows)),
            ctypes.c_int32(self.features),
            ctypes.c_int(_ROW_MAJOR),
            ctypes.c_int(kind),
            *(ctypes.c_int(each) for each in _ALL_TREES),
            ctypes.c_char_p(_PARAMETERS),
            ctypes.byref(size),
            ctypes.c_void_p(out.ctypes.data),
        )
        return out

    def _fits(self, rows: Floats) -> None:
        """Refuse rows of another width, beyond whose end the library would read."""
        if rows.ndim != 2 or rows.shape[1] != self.features:
            raise ValueError(f"rows of shape {rows.shape} are not (n, {self.features})")

    def _call(self, function: str, *arguments: object) -> None:
        if getattr(self._library, function)(*arguments):
            raise ModelNotLoaded(self._library.LGBM_GetLastError().decode(errors="replace"))


def _free(library: ctypes.CDLL, handle: ctypes.c_void_p, one_row: ctypes.c_void_p) -> None:
    """Give back what a booster holds, the way into it first."""
    if one_row.value:
        library.LGBM_FastConfigFree(one_row)
    library.LGBM_BoosterFree(handle)


@cache
def _library() -> ctypes.CDLL:
    package = importlib.util.find_spec("lightgbm")
    places = [Path(each) for each in (package.submodule_search_locations or ())] if package else []
    found = [path for place in places for path in sorted(place.glob("*/lib_lightgbm.*"))]
    if not found:
        raise LibraryMissing("the package lightgbm is not installed, or has no library")
    try:
        library = ctypes.CDLL(str(found[0]))
    except OSError as error:
        raise LibraryMissing(f"{found[0]}: {error}. On Debian and Ubuntu: apt-get install libgomp1") from error
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    library.LGBM_BoosterFree.argtypes = library.LGBM_FastConfigFree.argtypes = [ctypes.c_void_p]
    return library
