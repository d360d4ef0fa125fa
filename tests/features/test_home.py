import os
from pathlib import Path

import pytest

from features.home import refuse_closed


def test_a_folder_is_a_home_whether_it_is_there_yet_or_not(tmp_path):
    refuse_closed(tmp_path)
    refuse_closed(tmp_path / "not" / "yet")


def test_a_file_is_no_home(tmp_path):
    file = tmp_path / "home"
    file.touch()

    with pytest.raises(SystemExit, match=r"opportune: .*/home cannot be used: Not a directory"):
        refuse_closed(file)


def test_a_home_that_is_closed_to_its_user_is_told_in_a_sentence(tmp_path, monkeypatch):
    # Nothing is closed to root, who may run this.
    def closed(path, **_):
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(Path, "stat", closed)

    with pytest.raises(SystemExit, match=f"opportune: {tmp_path} cannot be used: Permission denied"):
        refuse_closed(tmp_path)
