"""What takes long to make is made once for what it depends on."""

from benchmarks.lineup import is_made_for, made_for


def test_a_folder_is_made_again_for_anything_else_and_when_it_was_not_finished(tmp_path) -> None:
    assert not is_made_for(tmp_path / "nowhere", "one")
    assert not is_made_for(tmp_path, "one")

    made_for(tmp_path, "one")

    assert [is_made_for(tmp_path, what) for what in ("one", "another")] == [True, False]
