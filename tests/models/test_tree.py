"""Trees are read from text that no library has read: what is no tree is refused, whatever else it may be."""

import pytest

from models.tree import NotSound, NotWalkable, read_trees

TEXT = """tree
version=v4

Tree=0
num_leaves=4
num_cat=0
split_feature=0 1 0
threshold=0.5 2 -1
decision_type=2 8 0
left_child=2 -2 -1
right_child=1 -3 -4
leaf_value=1 2 3 4
shrinkage=1
"""
"""Left of the root a node with the leaves 1 and 4, right of it one with 2 and 3."""


def test_leaves_are_told_from_left_to_right_and_for_each_node_those_on_its_left():
    (tree,) = read_trees(TEXT)

    assert tree.from_left(0) == ([1.0, 4.0, 2.0, 3.0], [(0, 2), (2, 3), (0, 1)])
    assert tree.from_left(64) == ([1.0, 4.0, 2.0, 3.0], [(64, 66), (66, 67), (64, 65)])


def test_of_a_single_leaf_nothing_but_the_leaf_is_read():
    (tree,) = read_trees("tree\n\nTree=0\nnum_leaves=1\nsplit_feature=7\nleaf_value=0.25\n")

    assert tree.from_left(32) == ([0.25], [])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("left_child=2", "left_child=0"),
        ("left_child=2 -2 -1", "left_child=2 1 -1"),
        ("left_child=2 -2 -1", "left_child=1 -2 -1"),
        ("left_child=2 -2 -1", "left_child=2 -1 -1"),
        ("right_child=1", "right_child=3"),
        ("right_child=1 -3 -4", "right_child=1 -3 -5"),
        ("left_child=2 -2 -1", "left_child=-1 -2 2"),
        ("threshold=0.5 2 -1", "threshold=0.5 2"),
        ("threshold=0.5 2 -1", "threshold=0.5 nan -1"),
        ("split_feature=0 1 0", "split_feature="),
        ("leaf_value=1 2 3 4", "leaf_value=1 2 3"),
        ("leaf_value=1 2 3 4", "leaf_value="),
        ("num_leaves=4", "num_leaves=1"),
    ],
    ids=[
        "a circle to the root",
        "a node below itself",
        "a node below two",
        "a leaf below two",
        "beyond the nodes",
        "beyond the leaves",
        "a circle beside the root",
        "a threshold too few",
        "no threshold",
        "no feature",
        "a leaf too few",
        "no leaves",
        "four leaves that are said to be one",
    ],
)
def test_what_is_no_tree_is_refused(old, new):
    assert old in TEXT
    with pytest.raises(NotSound):
        read_trees(TEXT.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("num_cat=0", "num_cat=1"),
        ("num_cat=0", "is_linear=1"),
        ("decision_type=2", "decision_type=3"),
        ("version=v4", "average_output"),
        ("num_leaves=4", ""),
        ("leaf_value", "leaf_count"),
        ("split_feature=0", "split_feature=x"),
        ("Tree=0", "Twig=0"),
    ],
)
def test_what_is_of_another_kind_is_left_to_the_library(old, new):
    assert old in TEXT
    with pytest.raises(NotWalkable):
        read_trees(TEXT.replace(old, new))
