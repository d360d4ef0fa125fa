"""What the messages of triggers that go by uplift add, for the people of a round: one call of each model."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from models.uplift import UpliftModel
from policy.uplift import Uplift
from serving.items import Score
from serving.work import Reading


def foresee(asking: Sequence[tuple[Reading, Score]], models: Mapping[str, UpliftModel]) -> None:
    """Let the score of each reading tell what the messages add of those of its triggers that go by that.

    A model tells nothing of a trigger that counts purchases within another horizon than it learned from, nor where it
    is not known how likely one is, which it looks at.
    """
    asked = defaultdict(list)
    for reading, score in asking:
        for trigger in reading.triggers:
            model = models.get(trigger.name) if trigger.asks_uplift else None
            if model is not None and model.horizon == trigger.horizon and score.intent.get(model.horizon) is not None:
                asked[trigger.name].append(score)
    for name, scores in asked.items():
        model = models[name]
        intents = np.array([each.intent[model.horizon] for each in scores], dtype=np.float64)
        adds = model.predict(np.array([each.features for each in scores]), intents)
        for score, each in zip(scores, adds.tolist(), strict=True):
            score.uplifts = {**(score.uplifts or {}), name: Uplift(each, model.pays)}
