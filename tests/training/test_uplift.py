import numpy as np
import pytest

from training.uplift import LEARNERS, cross_fitted, response
from training.world_decisions import logged, moments

AT = moments("persuadable", 5000, seed=6)
LOG = logged(AT, threshold=0.0, hold_out=0.5, exploration=0.0, seed=6)


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_finds_who_is_persuaded_in_truth(name):
    found = cross_fitted(LEARNERS[name], LOG.known(), LOG.sent, LOG.ordered, LOG.user, chance=0.5)

    assert np.corrcoef(found, AT.if_sent - AT.if_held)[0, 1] > 0.5
    assert found.mean() == pytest.approx((AT.if_sent - AT.if_held).mean(), abs=0.02)


def test_propensity_is_the_probability_without_a_message():
    found = cross_fitted(response, LOG.known(), LOG.sent, LOG.ordered, LOG.user, chance=0.5)

    assert found.mean() == pytest.approx(AT.if_held.mean(), abs=0.01)
    assert np.corrcoef(found, AT.if_held)[0, 1] > 0.6


def test_what_a_person_did_does_not_move_their_own_uplift():
    changed = np.isin(LOG.user, LOG.user[:1])
    learner = LEARNERS["T-learner"]
    before = cross_fitted(learner, LOG.known(), LOG.sent, LOG.ordered, LOG.user, chance=0.5)

    after = cross_fitted(learner, LOG.known(), LOG.sent, LOG.ordered ^ changed, LOG.user, chance=0.5)

    assert (after[changed] == before[changed]).all()
    assert (after != before).any()
