"""What takes long to make, and several tests look at."""

import contextlib

import pytest

from tests.training.decided import write_decisions
from training.policy_value import main
from training.world_decisions import moments

PRICED = ["--order-value", "20", "--contact-cost", "0.05", "--unsubscribe-cost", "5"]


@pytest.fixture(scope="session")
def judged_home(tmp_path_factory):
    """A home whose ledger, with exploration, speaks for a lower threshold, as `make policy-value` leaves it behind."""
    home = tmp_path_factory.mktemp("judged")
    write_decisions(home, moments("even", 5000, seed=8), exploration=0.1)
    with (
        pytest.MonkeyPatch.context() as patch,
        (home / "told.txt").open("w") as told,
        contextlib.redirect_stdout(told),
    ):
        patch.setenv("OPPORTUNE_HOME", str(home))
        patch.delenv("OPPORTUNE_REGISTRY", raising=False)
        main(PRICED)
    return home
