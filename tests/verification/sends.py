"""A small world of known preferences: who answers at which hour, and a sender with habits of their own."""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from models.circle import kernel
from tests.models.hours import a_model
from training.send_response import Group, Sends, choose_strength, fit, ratios

HABIT = np.array([9, 10, 10, 10, 11, 11, 17, 18])
PEAKS = np.array([7.0, 12.0, 18.0, 22.0])


@dataclass
class World:
    """People, what they prefer, and what was sent to them.

    Attributes:
        chances: How likely each person answers at each hour: the truth, of shape (people, 24).
        group: What is known of them besides: a cohort and their activity.
        sends: What was sent, in order, and answered.
    """

    chances: np.ndarray
    group: Group
    sends: Sends


def a_world(seed, *, people=2500, each=60, explore=0.05, effect=1.0):
    """Make people who answer more around an hour of their own, which is near that of their cohort.

    Of the messages of each, all but a share `explore` go out at hours of the sender's habit. Activity follows the hours
    at which people answer, with hours of other reasons among them.
    """
    random = np.random.default_rng(seed)
    cohort = random.integers(0, len(PEAKS), people)
    own = PEAKS[cohort] + random.normal(0.0, 2.5, people)
    near = np.exp(-0.5 * (distance_to(own) / 2.0) ** 2)
    strength = effect * random.gamma(4.0, 0.25, people)[:, None]
    level = np.exp(random.normal(0.0, 0.4, people))[:, None]
    chances = np.clip(level * (0.03 + 0.12 * strength * near), 0.0, 0.9)
    elsewhere = np.exp(-0.5 * (distance_to(random.uniform(0, 24, people)) / 3.0) ** 2)
    habits = near + 0.7 * elsewhere + 0.1
    activity = random.poisson(15.0 * habits / habits.sum(axis=1, keepdims=True)).astype(float)
    user = np.tile(np.arange(people), each)
    explored = random.random(user.size) < explore
    hour = np.where(explored, random.integers(0, 24, user.size), random.choice(HABIT, user.size))
    sends = Sends(user, hour, random.random(user.size) < chances[user, hour])
    return World(chances, Group(cohort, a_model().predict(activity)), sends)


def distance_to(hour):
    """Return how far each hour of the day is from moments of the day, of shape (n, 24)."""
    apart = np.abs(np.arange(24)[None, :] - hour[:, None] % 24)
    return np.minimum(apart, 24 - apart)


def captured(world, scores):
    """Return what part of the oracle's gain over the sender's habits that the best hours by these scores bring."""
    chosen = world.chances[np.arange(len(scores)), scores.argmax(axis=1)].mean()
    usual = world.chances[world.sends.user, world.sends.hour].mean()
    return (chosen - usual) / (world.chances.max(axis=1).mean() - usual)


def learned(world):
    return fit(world.sends, world.group).predict(world.sends, world.group)


def hierarchical(world):
    """The shrunken ratio alone, with the same strength."""
    cut = int(0.6 * len(world.sends))
    earlier, later = world.sends.part(slice(None, cut)), world.sends.part(slice(cut, None))
    return ratios(world.sends, world.group, choose_strength(earlier, later, world.group)).own


def histogram(world):
    """At which hours people answered, whatever was sent when."""
    return _counts(world, world.sends.answered) @ kernel(1.5)


def raw_ratio(world):
    """Answers for each send of the person at the hour, and everybody's where nothing was sent."""
    sent, answered = _counts(world, np.ones(len(world.sends))), _counts(world, world.sends.answered)
    everybody = answered.sum(axis=0) / sent.sum(axis=0)
    return np.where(sent > 0, answered / np.maximum(sent, 1.0), everybody)


def of_24_classes(world):
    """A model that tells the hour of an answer as one of 24 classes, from the cohort and the activity."""
    rows = np.column_stack([world.group.cohort, world.group.activity])
    hit = world.sends.answered
    parameters = {"objective": "multiclass", "num_class": 24, "num_leaves": 8, "learning_rate": 0.1}
    fixed = {"min_data_in_leaf": 50, "num_threads": 1, "verbosity": -1, "seed": 0}
    data = lgb.Dataset(rows[world.sends.user[hit]], world.sends.hour[hit])
    return lgb.train({**parameters, **fixed}, data, 20).predict(rows, num_threads=1)


def of_cohort(world):
    """The cohort's hours."""
    return ratios(world.sends, world.group, 1e9).of_cohort


def _counts(world, weights):
    place = world.sends.user * 24 + world.sends.hour
    return np.bincount(place, weights, minlength=world.chances.size).reshape(world.chances.shape)


RIVALS = {"histogram": histogram, "raw ratio": raw_ratio, "24 classes": of_24_classes, "hierarchical": hierarchical}
