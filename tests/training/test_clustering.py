"""How many clusters a cloud of points carries."""

import numpy as np
import pytest
from scipy.stats import binom

from training.clustering import STRONG, cluster, is_tight, matched, strength


def standard(points):
    return (points - points.mean(axis=0)) / points.std(axis=0)


def planted(centres, seed, *, people=300):
    random = np.random.default_rng(seed)
    centres = np.array(centres, dtype=np.float64)
    whose = random.integers(len(centres), size=people)
    return standard(centres[whose] + random.standard_normal((people, centres.shape[1]))), whose


def long_cloud(seed, *, people=200):
    """A cloud without structure, longer in some directions than in others."""
    random = np.random.default_rng(seed)
    wide = int(random.integers(2, 7))
    return standard(random.standard_normal((people, wide)) @ random.standard_normal((wide, wide)))


@pytest.mark.parametrize(
    "centres",
    [
        [[0, 0, 0], [6, 0, 0]],
        [[0, 0, 0], [5, 5, 0], [0, 5, 5]],
        [[0, 0, 0], [5, 0, 0], [0, 5, 0], [0, 0, 5], [5, 5, 5]],
    ],
)
def test_clusters_that_were_planted_are_found_and_no_other_number(centres):
    points, whose = planted(centres, seed=len(centres))
    found = cluster(points)
    nearest = np.argmin(((points[:, None] - found.centres) ** 2).sum(axis=2), axis=1)
    table = np.zeros((len(centres), len(centres)))
    np.add.at(table, (whose, nearest), 1)

    assert len(found.centres) == len(centres)
    assert found.strengths[len(centres)] >= STRONG
    assert table.max(axis=1).sum() > 0.95 * len(points)


def test_a_cloud_without_structure_has_no_clusters_in_95_of_100():
    clouds = 12
    wrong = sum(len(cluster(long_cloud(seed), seed=seed).centres) > 0 for seed in range(clouds))

    # As many or more would come by chance with a probability below 0.001 if five in a hundred were wrong.
    assert binom.sf(wrong - 1, clouds, 0.05) > 0.001
    assert wrong <= 0.05 * clouds


def test_cutting_a_long_cloud_is_stable_and_yet_means_nothing():
    random = np.random.default_rng(5)
    line = standard(random.standard_normal((2000, 1)))

    assert strength(line, 2, np.random.default_rng(0)) >= STRONG
    assert cluster(line).reason.startswith("clusters are no tighter than those of a cloud without structure")


def test_two_separate_heaps_are_tighter_than_any_cloud():
    points, _ = planted([[0, 0], [8, 0]], seed=1)
    inertia = sum(
        ((part - part.mean(axis=0)) ** 2).sum() for part in (points[points[:, 0] < 0], points[points[:, 0] > 0])
    )

    assert is_tight(points, float(inertia), 2, np.random.default_rng(0))


def test_the_strength_of_clusters_that_are_found_again_is_one():
    random = np.random.default_rng(0)
    points = np.concatenate([random.normal(c, 0.01, (100, 2)) for c in (0.0, 10.0)])

    assert strength(points, 2, np.random.default_rng(0)) == 1.0


def test_people_who_are_all_alike_have_no_clusters():
    assert len(cluster(np.zeros((300, 2))).centres) == 0


def test_the_same_points_and_seed_give_the_same_clusters():
    points, _ = planted([[0, 0], [6, 0], [0, 6]], seed=3)

    np.testing.assert_array_equal(cluster(points, seed=4).centres, cluster(points, seed=4).centres)


def test_an_old_name_goes_to_the_new_centre_that_can_be_no_other():
    apart = np.array([[0.1, 5.0, 9.0], [5.0, 2.6, 7.0]])

    # The second is further away than half of what parts the new ones, which is 5.
    assert matched(["a", "b"], apart, np.array([5.0, 5.0, 7.0])) == ["a", None, None]
