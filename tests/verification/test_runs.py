from math import factorial

import pytest

from verification.runs import Runs


@pytest.mark.parametrize("processes", [1, 2])
def test_whatever_the_processes_the_same_comes_out_in_the_same_order(processes):
    assert list(Runs(processes).of(factorial, range(6))) == [1, 1, 2, 6, 24, 120]
