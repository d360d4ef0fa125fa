import pytest

from training.sample_ratio import sample_ratio
from verification.hillstrom import PUBLISHED, USERS, reproduced

FOUND = reproduced()


@pytest.mark.parametrize("which", PUBLISHED, ids=str)
def test_the_published_effects_follow_from_the_counts(which):
    found, said = FOUND[which], PUBLISHED[which]
    digits = 2 if which[0] == "visit" else 3

    assert [round(100 * each, digits) for each in (found.effect, found.low, found.high)] == pytest.approx(
        [said.effect, said.low, said.high], abs=0.5 * 10**-digits
    )


def test_the_arms_are_of_the_sizes_they_were_drawn_for():
    assert not sample_ratio([USERS], (1 / 3, 1 / 3, 1 / 3)).invalid
