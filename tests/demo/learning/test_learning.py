import json
from dataclasses import replace

from demo.learning.__main__ import lines, summary, write_page
from demo.learning.picture import draw
from training.closed_loop import live
from training.world import World


def test_a_shop_too_small_to_learn_from_is_told_and_drawn_as_that(tmp_path):
    story = live(World(700, seed=2))
    draw(tmp_path / "weeks.png", story)
    told = summary(story)
    write_page(tmp_path / "report.html", told, tmp_path / "weeks.png")

    words, page = "\n".join(lines(told)), (tmp_path / "report.html").read_text()
    assert "nothing to try" in words
    assert "Nothing in it is real" in words
    assert "data:image/png;base64," in page
    assert told == json.loads(json.dumps(told, allow_nan=False))
    assert summary(replace(story, tried=None)) == told
