"""What clusters are called."""

import numpy as np

from models.learned_segments import Centres
from training.segment_names import apart, named, names_of

FEATURES = ("views_hl7d", "orders_hl90d", "coupons_hl7d")


def test_a_cluster_is_named_by_what_sets_it_apart_from_the_others_most():
    centres = np.array([[2.0, -1.0, 0.0], [-1.0, 1.5, 0.1], [-1.0, -0.5, -0.1]])

    # Of the first: 2 - (-1) = 3 of views, -1 - 0.5 = -1.5 of orders.
    assert apart(centres, FEATURES)[0][:2] == [("views_hl7d", 3.0), ("orders_hl90d", -1.5)]
    assert named(centres, FEATURES) == ["many-views-few-orders", "many-orders-few-views", "few-views-few-orders"]


def test_what_would_be_called_the_same_gets_a_third_word_or_a_number():
    centres = np.array([[2.0, -2.0, 1.5], [2.0, -2.0, -0.5], [-2.0, 2.0, 0.1], [-2.1, 2.1, 0.1]])
    names = named(centres, FEATURES)

    assert len(set(names)) == 4
    assert names[0] == "many-views-few-orders"
    assert names[1].startswith("many-views-few-orders-")


def before(centres, names, *, mean=(1.0, 1.0, 1.0), spread=(1.0, 1.0, 1.0), features=FEATURES):
    return Centres(features, np.array(mean), np.array(spread), np.array(centres), names)


def renamed(centres, known, *, mean=(1.0, 1.0, 1.0), spread=(1.0, 1.0, 1.0)):
    return names_of(np.array(centres), np.array(mean), np.array(spread), FEATURES, known)


def test_a_cluster_that_goes_on_keeps_its_name_whatever_its_place():
    known = before([[2.0, -1.0, 0.0], [-1.0, 1.5, 0.0]], ("dear", "cheap"))

    assert renamed([[-1.1, 1.4, 0.0], [2.1, -0.9, 0.1]], known) == ["cheap", "dear"]


def test_it_is_recognised_though_everybody_has_moved():
    known = before([[2.0, -1.0, 0.0], [-1.0, 1.5, 0.0]], ("dear", "cheap"))

    # With the mean one further and twice the spread, 1 + 2 is (3 - 2) / 2 = 0.5 from the new mean.
    moved = [[0.5, -1.0, -0.5], [-1.0, 0.25, -0.5]]
    assert renamed(moved, known, mean=(2.0, 2.0, 2.0), spread=(2.0, 2.0, 2.0)) == ["dear", "cheap"]


def test_a_name_of_before_is_never_given_to_another_group():
    known = before([[2.0, -1.0, 0.0], [-1.0, 1.5, 0.0]], ("few-views-few-coupons", "cheap"))
    names = renamed([[-3.0, 0.0, -3.0], [-1.0, 1.5, 0.0]], known)

    assert names[1] == "cheap"
    assert names[0] not in known.names
    assert names[0].startswith("few-")


def test_clusters_of_other_features_go_on_none():
    known = before([[2.0, -1.0], [-1.0, 1.5]], ("dear", "cheap"), mean=(1, 1), spread=(1, 1), features=FEATURES[:2])

    assert {"dear", "cheap"}.isdisjoint(renamed([[2.0, -1.0, 0.0], [-1.0, 1.5, 0.0]], known))
