"""Bundles of neighbours: what is written is read, and whatever is damaged is refused with the place."""

import json

import numpy as np
import pytest

from models.manifest import BundleRefused, sha256
from models.neighbours import Neighbours
from models.neighbours_bundle import load, write
from tests.models.bundles import a_bundle, change_manifest

KNOWN = Neighbours(
    ("Brot", "Käse", "x" * 200),
    np.array([[1, 2], [0, -1], [-1, -1]], dtype=np.int32),
    np.array([[0.5, 0.25], [0.5, 0.0], [0.0, 0.0]]),
)


@pytest.fixture
def bundle(tmp_path):
    write(tmp_path / "3", KNOWN, created_at="2026-01-01T00:00:00Z", lineage={"baskets": 7})
    return tmp_path / "3"


def rewritten(bundle, text):
    """Put another text in place, with the digest that belongs to it, as a careless edit would."""
    path = bundle / "neighbours.json"
    path.write_text(text)
    change_manifest(bundle, lambda manifest: manifest["neighbours"].update(sha256=sha256(path)))


def test_what_was_written_is_read(bundle):
    found = load(bundle)

    assert found.products == KNOWN.products
    assert found.near.tolist() == KNOWN.near.tolist()
    assert found.similarity.tolist() == KNOWN.similarity.tolist()
    assert found.version == "3"
    assert json.loads((bundle / "manifest.json").read_text())["lineage"] == {"baskets": 7}


def test_products_without_any_neighbours_are_read(tmp_path):
    write(tmp_path, Neighbours(("a",), np.empty((1, 0), dtype=np.int32), np.empty((1, 0))), created_at="", lineage={})

    assert list(load(tmp_path).ranked(["a"])) == ["a"]


def test_a_changed_file_is_refused(bundle):
    path = bundle / "neighbours.json"
    path.write_text(path.read_text().replace("0.25", "0.26"))

    with pytest.raises(BundleRefused, match="damaged: its sha256"):
        load(bundle)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"products": ["a"], "near": []}',
        '{"products": ["a", "a"], "near": [[], []]}',
        '{"products": [1], "near": [[]]}',
        '{"products": "a", "near": 3}',
        '{"products": ["a", "b", "c"], "near": [[[3, 0.5]], [], []]}',
        '{"products": ["a", "b", "c"], "near": [[[-2, 0.5]], [], []]}',
        '{"products": ["a", "b", "c"], "near": [[[1, 1.5]], [], []]}',
        '{"products": ["a", "b", "c"], "near": [[[1, NaN]], [], []]}',
        '{"products": ["a", "b", "c"], "near": [[[1]], [], []]}',
        '{"products": ["a", "b", "c"], "near": [[["b", 0.5]], [], []]}',
        '{"products": ["a"], "near": [[]]}',
        "[" * 100_000,
    ],
)
def test_what_says_something_else_is_refused(bundle, text):
    rewritten(bundle, text)

    with pytest.raises(BundleRefused, match=r"neighbours\.json is damaged"):
        load(bundle)


def test_a_bundle_of_intent_is_none_of_neighbours(tmp_path):
    with pytest.raises(BundleRefused, match="is damaged at"):
        load(a_bundle(tmp_path / "1"))


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(BundleRefused, match="holds no bundle"):
        load(tmp_path)
