"""The policy file on disk: when it counts as changed, and what is wrong with it."""

import pytest

from policy.event_names import segment_kind
from policy.source import PolicyRefused
from serving.policy_file import PolicyFile

GOOD = "triggers:\n  - {name: a, on: Product Added, threshold: 0, cool_down: 1h}\n"
BAD = "triggers:\n  - {name: a, on: Product Added, treshold: 0, cool_down: 1h}\n"


@pytest.fixture
def path(tmp_path):
    """Where a good policy is."""
    found = tmp_path / "triggers.yaml"
    found.write_text(GOOD)
    return found


@pytest.fixture
def file(path):
    """The file, loaded once."""
    made = PolicyFile(path, segment_kind)
    made.load()
    return made


def test_it_changed_when_two_looks_find_the_same_new_text(file, path):
    at_first = [file.changed(), file.changed()]
    path.write_text(GOOD.replace("1h", "2h"))
    seen = [file.changed(), file.changed()]
    file.load()

    assert at_first == [False, False]
    assert seen == [False, True]
    assert [file.changed(), file.changed()] == [False, False]


def test_who_is_still_writing_is_not_believed(file, path):
    looks = []
    for text in ("", "triggers:", "triggers: []", GOOD.replace("1h", "2h")):
        path.write_text(text)
        looks.append(file.changed())

    assert looks == [False] * 4
    assert file.changed()


def test_a_text_that_comes_back_is_no_change(file, path):
    path.write_text("triggers: []")
    file.changed()
    path.write_text(GOOD)

    assert [file.changed(), file.changed()] == [False, False]


def test_what_is_wrong_is_said_once_in_the_log_and_until_it_is_mended_by_the_file_s_name_alone(file, path, caplog):
    path.write_text(BAD)
    for _ in range(2):
        with pytest.raises(PolicyRefused):
            file.load()

    assert len(caplog.messages) == 1
    assert str(path) in caplog.messages[0]
    assert file.in_words() == (
        "triggers.yaml:2: triggers[0].threshold: is missing; "
        "triggers.yaml:2: triggers[0].treshold: is not a field we know; did you mean threshold?"
    )

    path.write_text(GOOD)
    file.load()

    assert file.problems == ()
    assert file.in_words() == ""


def test_no_more_than_three_problems_are_told(path):
    path.write_text(
        "triggers:\n" + "".join(f"  - {{name: a{n}, on: x, threshold: 7, cool_down: 1h}}\n" for n in range(5))
    )
    file = PolicyFile(path, segment_kind)
    with pytest.raises(PolicyRefused):
        file.load()

    assert file.in_words().endswith("; and 2 more")


@pytest.mark.parametrize("text", ["", "# nothing\n", "format: 1\n"])
def test_a_file_without_triggers_is_refused_since_it_may_just_be_being_written(file, path, text):
    path.write_text(text)
    with pytest.raises(PolicyRefused, match="to have none, write `triggers: \\[\\]`"):
        file.load()


def test_a_file_that_is_gone_is_refused_and_told_like_any_other(file, path):
    path.unlink()
    looks = [file.changed(), file.changed()]
    with pytest.raises(PolicyRefused, match="cannot be read"):
        file.load()

    assert looks == [False, True]
    assert [file.changed(), file.changed()] == [False, False]


def test_what_could_not_be_taken_over_counts_as_new_again(file):
    file.forget()

    assert file.changed()


def test_a_name_that_is_almost_known_is_remarked_once(path, caplog):
    path.write_text(GOOD.replace("Product Added", "Product Aded"))
    file = PolicyFile(path, segment_kind)
    file.load()
    file.load()

    assert [each for each in caplog.messages if "did you mean" in each] == [
        "trigger a reacts to 'Product Aded', which is not a known event; did you mean 'Product Added'?"
    ]


def test_a_template_beside_it_is_part_of_it(file, path):
    template = path.parent / "templates" / "cart" / "sms.txt"
    template.parent.mkdir(parents=True)
    template.write_text("{{ cart.count }}")
    looks = [file.changed(), file.changed()]

    assert looks == [False, True]
    assert file.load().templates["cart"].sms == "{{ cart.count }}"

    template.write_text("{{ crat.count }}")
    with pytest.raises(PolicyRefused):
        file.load()
    assert file.in_words() == "templates/cart/sms.txt:1: nothing is called crat; did you mean cart?"
