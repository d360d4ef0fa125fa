import os
import signal
import subprocess
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from tests.preloaded.python import PYTHON
from tests.training.logs import write_log
from tests.training.shops import a_shop
from training.process import alone
from training.registry import Registry
from training.retrain_loop import due_at, main

WEEK = timedelta(days=7)


@contextmanager
def looping(home, *arguments):
    """Run the loop of a home, its output to a pipe, and end it if a test did not."""
    environment = {**os.environ, "OPPORTUNE_HOME": str(home)}
    environment.pop("OPPORTUNE_REGISTRY", None)
    command = [PYTHON, "-m", "training.retrain_loop", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as loop:
        try:
            yield loop
        finally:
            if loop.poll() is None:
                loop.send_signal(signal.SIGTERM)


def until(loop, words):
    """Read lines up to one with these words, and return all of them; the pipe ends if that never comes."""
    lines = []
    for line in loop.stdout:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError(f"{words!r} is not in {''.join(lines)}")


def told_to(loop, number):
    """Return what a loop still says after a signal, and how it ends."""
    loop.send_signal(number)
    said, _ = loop.communicate(timeout=120)
    return said, loop.returncode


def test_a_home_that_never_was_is_retrained_at_once_and_one_that_was_when_its_time_has_come(tmp_path):
    assert due_at(tmp_path, WEEK) == 0.0

    (tmp_path / "retrain").mkdir()
    summary = tmp_path / "retrain" / "summary.json"
    summary.touch()
    os.utime(summary, (1000.0, 1000.0))

    assert due_at(tmp_path, WEEK) == 1000.0 + 7 * 86_400


def test_it_retrains_says_when_it_will_again_and_stops_when_told_to(tmp_path):
    write_log(tmp_path, a_shop(people=20, days=10, orders=False))
    Registry(tmp_path)  # which takes a process seconds to make

    with looping(tmp_path, "--every", "12h", "--horizons", "24h") as loop:
        retrained = until(loop, "the next retraining is due at")
        said, code = told_to(loop, signal.SIGINT)

    assert "24h: no model. too few purchases to learn from" in retrained
    due = datetime.fromisoformat(retrained.split()[-1])
    assert timedelta(hours=11.9) < due - datetime.now(due.tzinfo) < timedelta(hours=12)
    assert code == 0
    assert said.endswith(" stopped\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda each: each.name)
def test_after_a_restart_it_waits_for_what_is_left_of_the_time_or_until_it_is_told_to_stop(tmp_path, number):
    (tmp_path / "retrain").mkdir()
    (tmp_path / "retrain" / "summary.json").touch()

    with looping(tmp_path, "--every", "1h") as loop:
        waiting = until(loop, "the next retraining is due at")
        said, code = told_to(loop, number)

    assert waiting.count("\n") == 1
    assert code == 0
    assert said.endswith(" stopped\n")


def test_one_that_fails_is_told_and_tried_again_within_the_hour(tmp_path):
    with looping(tmp_path) as loop:
        said = until(loop, "the next retraining is due at")
        assert loop.poll() is None

    assert "opportune.db does not exist" in said
    assert "the retraining FAILED, with 1: what is in service stays in service" in said
    due = datetime.fromisoformat(said.split()[-1])
    assert timedelta(minutes=59) < due - datetime.now(due.tzinfo) < timedelta(hours=1)


def test_told_to_stop_in_the_middle_it_leaves_nothing_half_done(tmp_path):
    write_log(tmp_path, a_shop(people=100, days=60))

    with looping(tmp_path, "--horizons", "24h") as loop:
        until(loop, "read the log")
        said, code = told_to(loop, signal.SIGTERM)

    assert code == 0
    assert "the retraining was stopped before its end" in said
    assert list((tmp_path / "retrain").iterdir()) == []
    with alone(tmp_path):
        pass


def test_of_two_retrainings_of_one_home_the_second_is_refused(tmp_path):
    write_log(tmp_path, a_shop(people=20, days=10, orders=False))
    environment = {**os.environ, "OPPORTUNE_HOME": str(tmp_path)}
    command = [PYTHON, "-m", "training.retrain"]

    with alone(tmp_path):
        refused = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)

    assert refused.returncode == 1
    assert f"another retraining of {tmp_path} is running" in refused.stderr
    assert not (tmp_path / "retrain" / "summary.json").exists()


@pytest.mark.parametrize("wrong", [["--every", "weekly"], ["--horizons", "24"], ["--sometimes"]])
def test_a_wrong_command_line_is_refused_at_once(wrong, capsys):
    with pytest.raises(SystemExit) as refused:
        main(wrong)

    assert refused.value.code == 2
    assert "error: " in capsys.readouterr().err
