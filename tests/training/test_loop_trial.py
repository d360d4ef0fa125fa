import numpy as np

from training.closed_loop import CART_RULE
from training.decisions import Prices
from training.loop_life import Account, Life
from training.loop_policy import EVERY_VISIT, NO_MESSAGES
from training.loop_trial import arms_of, tried, truth
from training.world import World

WORLD = World(2500, seed=6, effect=6.0, persuadable=1.0)


def test_a_message_that_changes_nearly_everything_is_found_and_its_true_effect_is_inside():
    morning = Life.begun(WORLD)
    for _ in range(3):
        morning.day([CART_RULE], np.zeros(WORLD.users, dtype=int), Account.opened(WORLD.users))
    prices = Prices(10.0, 0.01, 10.0)

    found = tried(morning.fork(WORLD.seed), (NO_MESSAGES, EVERY_VISIT), None, prices, 300)
    nothing, always = (truth(morning, each, None, prices, 1) for each in (NO_MESSAGES, EVERY_VISIT))

    effect = always.converted.mean() - nothing.converted.mean()
    assert found.effect.low <= effect <= found.effect.high
    assert found.effect.low > 0
    assert found.profit.low <= (always.profit - nothing.profit).sum() / always.people <= found.profit.high
    assert nothing.sent == 0


def test_half_of_the_people_are_in_either_arm_and_stay_there():
    arm = arms_of(4000)

    assert abs(arm.mean() - 0.5) < 0.03
    assert (arm[:100] == arms_of(100)).all()
