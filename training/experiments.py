"""Which experiments there are to judge, and what was planned for each: by command, in the policy file, or not."""

import argparse
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from policy.assignment import EVERYBODY
from policy.experiments import Experiment
from policy.policy import Policy
from policy.source import load
from training.balance import balanced
from training.experiment import CONTROL, NoExperiment, Plan, Units
from training.experiment_ledger import Ledger, drawn, read_ledger
from training.experiment_table import Columns, read_table, units_of
from training.learned_groups import in_service, learned_at_draw
from training.lineage import iso
from training.planning import users_planned


class Wanted(NamedTuple):
    """What the command line says.

    Attributes:
        experiment: The one to judge; None for all of the ledger, or the name of the file.
        users: Planned users; None as the policy file says.
        effect: What is worth noticing; None likewise.
        window: How long an order counts; None likewise.
        looks: Most looks; None likewise.
        cap: What one user's revenue counts at most; None likewise.
    """

    experiment: str | None = None
    users: int | None = None
    effect: float | None = None
    window: timedelta | None = None
    looks: int | None = None
    cap: float | None = None


class Found(NamedTuple):
    """An experiment that can be judged."""

    units: Units
    plan: Plan
    notes: tuple[str, ...]


class Book(NamedTuple):
    """The ledger of a home, which triggers belong to which experiment, and what was planned.

    Attributes:
        ledger: What was decided and what followed.
        members: Triggers by experiment, in alphabetical order.
        plans: Plans by experiment, where somebody made one.
    """

    ledger: Ledger
    members: dict[str, list[str]]
    plans: dict[str, Experiment]


def open_book(database: Path, triggers: Path) -> Book:
    """Return the experiments of a home.

    Args:
        database: Of the home.
        triggers: The policy file in force; where there is none, every trigger is an experiment without a plan.

    Raises:
        NoExperiment: There is no ledger, or nobody was drawn yet.
        PolicyRefused: The policy file is wrong.
    """
    if not database.exists():
        raise NoExperiment(f"{database} does not exist: there is no ledger to report from")
    policy = load(triggers) if triggers.exists() else Policy()
    ledger = read_ledger(database)
    ledger = ledger._replace(learned=learned_at_draw(database, in_service(database.parent)))
    members = _members(ledger, policy)
    if not members:
        raise NoExperiment("no live trigger has sent or withheld a message yet")
    return Book(ledger, members, {each.name: each for each in policy.experiments})


def _members(ledger: Ledger, policy: Policy) -> dict[str, list[str]]:
    """Return the triggers of each experiment; one that the policy no longer has is an experiment by itself."""
    found: dict[str, list[str]] = {}
    for each in ledger.triggers:
        name = policy.by_name[each].experiment_name if each in policy.by_name else each
        found.setdefault(name, []).append(each)
    with_everybody = ledger.drawn.loc[ledger.drawn["everybody"].notna(), "trigger"].unique().tolist()
    if with_everybody:
        found[EVERYBODY] = sorted(with_everybody)
    return dict(sorted(found.items()))


def of_ledger(wanted: Wanted, book: Book, name: str) -> Found:
    """Return one experiment of a home (NoExperiment: it is none, or cannot be judged)."""
    if name not in book.members:
        raise NoExperiment(f"the ledger has no experiment {name}; it has {', '.join(book.members)}")
    said = book.plans.get(name, Experiment(name=name))
    found = drawn(
        book.ledger, name, book.members[name], window=wanted.window or said.window, control=said.control or CONTROL
    )
    users = wanted.users or said.users
    plan = Plan(
        name=said.name,
        users=users or users_planned(found.units, found.shares, effect=wanted.effect or said.effect),
        shares=found.shares,
        window=found.window,
        looks=wanted.looks or said.looks,
        cap=wanted.cap or said.revenue_cap,
        margins={"unsubscribed": said.unsubscribed, "complained": said.complained},
        registered=users is not None,
    )
    left_out = (
        f"The shares of the arms were changed on {iso(found.since)}. {found.before:,} users who were drawn before that "
        "are left out, since they were not drawn as the others."
    )
    return Found(found.units, plan, (left_out,) if found.before else ())


def of_table(wanted: Wanted, path: Path, columns: Columns, shares: dict[str, float] | None) -> Found:
    """Return the experiment of a table.

    Args:
        wanted: What the command line says.
        path: The file.
        columns: Which columns say what.
        shares: How users were drawn, by arm; None if nobody says.

    Raises:
        NoExperiment: The table cannot be used, or the shares are not those of its arms.
    """
    units, differing = balanced(units_of(read_table(path), columns))
    plan = Plan(
        name=wanted.experiment or path.name.split(".")[0],
        users=wanted.users or len(units),
        shares=None if shares is None else _shares(shares, units.arms),
        looks=wanted.looks or Experiment.model_fields["looks"].default,
        cap=wanted.cap,
        # A table without moments is looked at once, when it is complete.
        registered=wanted.users is not None or units.at is None,
    )
    left_out = (
        f"Left out, since the arms differ in it by more than chance makes: {', '.join(differing)}. It tells of the "
        "time after the draw, and would explain the effect away; or users were not drawn by chance."
    )
    return Found(units, plan, (left_out,) if differing else ())


def _shares(said: dict[str, float], arms: tuple[str, ...]) -> tuple[float, ...]:
    if set(said) != set(arms):
        raise NoExperiment(f"the shares name {', '.join(said)}, and the arms are {', '.join(arms)}")
    total = sum(said.values())
    return tuple(said[each] / total for each in arms)


def wanted_by(asked: argparse.Namespace) -> Wanted:
    """Return what a command line says of the plan."""
    return Wanted(asked.experiment, asked.users, asked.effect, asked.window, asked.looks, asked.cap)
