import json
import logging

import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving import health
from serving.health import HealthFile, keep_looking
from serving.metrics import Metrics, exposition
from serving.settings import Settings

SILENCE = {
    "name": "health_silence_seconds",
    "meaning": "How long.",
    "samples": [{"labels": {"of": "events"}, "value": 61.5}, {"labels": {"of": "sends"}, "value": 3}],
}
NOTHING = {"name": "health_effect", "meaning": "What it changed.", "samples": []}


def write(home, *gauges):
    (home / "health.json").write_text(json.dumps({"format": 1, "status": "ok", "gauges": gauges}))


def told(home):
    metrics = Metrics()
    metrics.health = HealthFile(home).gauges
    return {each.name: each for each in text_string_to_metric_families(exposition(metrics)().decode())}


def test_what_was_found_is_told_as_gauges(tmp_path):
    write(tmp_path, SILENCE, NOTHING)
    found = told(tmp_path)

    samples = {each.labels["of"]: each.value for each in found["opportune_health_silence_seconds"].samples}
    assert samples == {"events": 61.5, "sends": 3.0}
    assert found["opportune_health_silence_seconds"].documentation == "How long."
    assert found["opportune_health_effect"].samples == []


def test_the_newest_look_is_told(tmp_path):
    file = HealthFile(tmp_path)
    assert file.gauges() == ()

    write(tmp_path, SILENCE)
    assert [each.name for each in file.gauges()] == ["health_silence_seconds"]
    write(tmp_path, SILENCE, NOTHING)
    assert len(file.gauges()) == 2
    (tmp_path / "health.json").unlink()
    assert file.gauges() == ()


@pytest.mark.parametrize("text", ["", "[]", '{"gauges": [{"name": "up", "meaning": "", "samples": []}]}', "{}"])
def test_a_file_that_cannot_be_read_is_said_once_and_tells_nothing(tmp_path, caplog, text):
    file = HealthFile(tmp_path)
    write(tmp_path, SILENCE)
    assert file.gauges()
    (tmp_path / "health.json").write_text(text)

    with caplog.at_level(logging.WARNING):
        assert file.gauges() == file.gauges() == ()
    assert len([each for each in caplog.messages if each.startswith("health.json cannot be read")]) == 1


async def test_without_what_it_needs_it_says_so_and_the_server_goes_on(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(health, "NEEDED", "a_package_that_nobody_has")

    with caplog.at_level(logging.INFO):
        await keep_looking(Settings(home=tmp_path))

    assert caplog.messages == ["health is not looked at: the extra `training` is not installed"]
