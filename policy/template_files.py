"""The folder `templates/` beside a policy file: a folder for each template, in it a file for each part of a message."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from policy.places import FileRefused
from policy.problems import Field, Problem
from policy.template_syntax import MOST_CHARACTERS
from policy.templates import LONGEST

FOLDER: Final = "templates"

Texts = Mapping[str, Mapping[str, str]]
"""The texts of each template by the field that they are for."""


def file_of(field: str) -> str:
    """Return the name of the file that holds a part of a message."""
    return f"{field}.html" if field == "html" else f"{field}.txt"


_FIELDS: Final = {file_of(field): field for field in LONGEST}


def whole_place(policy_file: str, field: Field) -> str:
    """Return the file, beside a policy file, of a field `templates.<name>` or `templates.<name>.<part>`."""
    folder = Path(policy_file).parent / FOLDER / str(field[1])
    return str(folder / file_of(str(field[2])) if len(field) > 2 and field[2] in LONGEST else folder)


def read_templates(policy_file: Path) -> Texts:
    """Return the texts of the folder beside a policy file (FileRefused: it holds something else)."""
    folder = policy_file.parent / FOLDER
    problems: list[Problem] = []
    found: dict[str, dict[str, str]] = {}
    for file in _files(folder):
        if file.name not in _FIELDS:
            problems.append(
                Problem(str(file), 1, "", f"is no part of a message; it can be one of {', '.join(_FIELDS)}")
            )
            continue
        try:
            with file.open(encoding="utf-8") as opened:
                # One more than there may be is enough to be refused.
                found.setdefault(file.parent.name, {})[_FIELDS[file.name]] = opened.read(MOST_CHARACTERS + 1)
        except (OSError, ValueError) as error:
            problems.append(Problem(str(file), 1, "", f"cannot be read: {error}"))
    if problems:
        raise FileRefused(problems)
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of the templates; those that an editor or a system hides are none of them."""
    if folder.is_dir():
        yield from sorted(each for each in folder.glob("[!.]*/[!.]*") if each.is_file() and each.name[-1] != "~")
