"""Reasons."""

import pytest

from policy.reasons import SENTENCES, Reason


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence_of_its_own(reason):
    assert reason.sentence.endswith(".")
    assert list(SENTENCES.values()).count(reason.sentence) == 1


def test_a_reason_is_stored_as_its_word():
    assert f"{Reason.BELOW_THRESHOLD}" == "below_threshold"
