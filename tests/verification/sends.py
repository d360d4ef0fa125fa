"""The simulator's listeners as training sees them, and simpler rules for the hours at which they answer."""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from models.circle import kernel
from models.days import SATURDAY
from models.send_hour import SendHourModel
from training import world_hours
from training.send_hour_fit import fit as fit_hours
from training.send_response import Sends, fit

STRENGTHS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
COHORTS = 4


@dataclass
class World:
    """People, what they prefer, and what was sent to them.

    Attributes:
        chances: How likely each person answers at each hour: the truth, of shape (people, 24).
        histories: What they did in each hour of their day, of shape (people, 24).
        model: When they are there, learned from these histories.
        sends: What was sent, in order, and answered.
    """

    chances: np.ndarray
    histories: np.ndarray
    model: SendHourModel
    sends: Sends

    @property
    def cohort(self):
        """The likeliest of each person, of shape (people,); nobody is told the true ones."""
        return self.model.profiles(self.histories)[1].argmax(axis=1)


def a_world(seed, *, people=2500, days=180, explore=0.05, effect=1.0, later_h=0):
    """Return the simulator's listeners, and half a year of messages of a sender who likes ten in the morning.

    Args:
        seed: Of all that is drawn.
        people: How many.
        days: For how long messages are sent.
        explore: Share of the messages that go out at any hour of the 24.
        effect: How much of the difference between a person's hours is left.
        later_h: How many hours after they are there people answer.
    """
    who = world_hours.listeners(people, seed=seed)
    worst = who.clicks.min(axis=1, keepdims=True)
    chances = np.roll(worst + effect * (who.clicks - worst), later_h, axis=1)
    sent = world_hours.sends(who, days=days, seed=seed, exploration=explore)
    answered = np.random.default_rng([seed, 77]).random(sent.user.size) < chances[sent.user, sent.hour]
    histories = who.activity.astype(float)
    weekend = sent.day % 7 >= SATURDAY
    sends = Sends(sent.user, sent.day, sent.hour, histories[sent.user], answered, sent.propensity, weekend)
    return World(chances, histories, fit_hours(histories, COHORTS, 5.0, 1.0, {}), sends)


def captured(world, scores):
    """Return what part of the oracle's gain over the sender's habits that the best hours by these scores bring."""
    chosen = world.chances[np.arange(len(scores)), scores.argmax(axis=1)].mean()
    usual = world.chances[world.sends.user, world.sends.hour].mean()
    return (chosen - usual) / (world.chances.max(axis=1).mean() - usual)


def learned(world):
    """What is registered."""
    return fit(world.sends, world.model).chances(*world.model.profiles(world.histories))


def activity(world):
    """When they are there, whatever they answer."""
    return world.model.predict(world.histories)


def hierarchical(world):
    """Answers for each send of the person, spread around the clock and shrunken to those of their cohort.

    How much the cohort counts is chosen by the log-loss of the last two fifths of the sends.
    """
    cut = int(0.6 * len(world.sends))
    later = world.sends.where(slice(cut, None))

    def loss(strength):
        told = np.clip(own_ratios(world, strength, slice(cut))[later.user, later.hour], 1e-4, 1.0 - 1e-4)
        return -np.where(later.answered, np.log(told), np.log1p(-told)).mean()

    return own_ratios(world, min(STRENGTHS, key=loss))


def own_ratios(world, strength, rows=slice(None)):
    """Return the shrunken ratio of each person at each hour by these sends, of shape (people, 24)."""
    sends, cohort = world.sends.where(rows), world.cohort
    sent, answered = (_counts(world, each, sends) for each in (np.ones(len(sends)), sends.answered))
    around = kernel(1.5) / kernel(1.5).max()
    of_each = [np.stack([each[cohort == k].sum(axis=0) for k in range(COHORTS)]) for each in (sent, answered)]
    everybody = answered.sum() / sent.sum()
    expected = ((of_each[1] @ around + 50.0 * everybody) / (of_each[0] @ around + 50.0))[cohort]
    level = (answered.sum(axis=1) + 2.0) / ((sent * expected).sum(axis=1) + 2.0)
    return (answered @ around + strength * expected * level[:, None]) / (sent @ around + strength)


def histogram(world):
    """At which hours people answered, whatever was sent when."""
    return _counts(world, world.sends.answered, world.sends) @ kernel(1.5)


def raw_ratio(world):
    """Answers for each send of the person at the hour, and everybody's where nothing was sent."""
    sent, answered = (_counts(world, each, world.sends) for each in (np.ones(len(world.sends)), world.sends.answered))
    everybody = answered.sum(axis=0) / sent.sum(axis=0)
    return np.where(sent > 0, answered / np.maximum(sent, 1.0), everybody)


def of_24_classes(world):
    """A model that tells the hour of an answer as one of 24 classes, from the cohort and the activity."""
    rows = np.column_stack([world.cohort, world.model.predict(world.histories)])
    hit = world.sends.answered
    parameters = {"objective": "multiclass", "num_class": 24, "num_leaves": 8, "learning_rate": 0.1}
    fixed = {"min_data_in_leaf": 50, "num_threads": 1, "verbosity": -1, "seed": 0}
    data = lgb.Dataset(rows[world.sends.user[hit]], world.sends.hour[hit])
    return lgb.train({**parameters, **fixed}, data, 20).predict(rows, num_threads=1)


def of_cohort(world):
    """The cohort's hours."""
    return own_ratios(world, 1e9)


def _counts(world, weights, sends):
    place = sends.user * 24 + sends.hour
    return np.bincount(place, weights, minlength=world.chances.size).reshape(world.chances.shape)


RIVALS = {"histogram": histogram, "raw ratio": raw_ratio, "24 classes": of_24_classes, "hierarchical": hierarchical}
