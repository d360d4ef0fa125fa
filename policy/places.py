"""Files that people write as YAML: read with the line of every field, so that a problem is named by its place."""

import re
from collections.abc import Mapping
from errno import EINVAL
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel
from yaml.constructor import ConstructorError
from yaml.reader import ReaderError

from features.paths import written
from policy.problems import Field, Problem, message

Places = dict[Field, int]
MOST_FIELDS: Final = 200_000
"""Of one file: thousands of triggers have room."""
_PLACED: Final = re.compile(r"([a-z_]*\[\d+\](?:\.[a-z_]+|\[\d+\])*): (.*)", re.DOTALL)
"""What is wrong, after where it is within something: `triggers[3].name: …`."""


class FileRefused(Exception):
    """A file of the operator cannot be used."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class _Loader(yaml.SafeLoader):
    """Safe YAML in which only true and false are booleans: `on`, a field of ours, is a word like any other."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return what a node says; where it is not what its tag or its look promises, say so with its line."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError) as error:
            says = f"{str(node.value)[:40]!r} cannot be read as {node.tag.rpartition(':')[2]}"
            raise ConstructorError(None, None, says, node.start_mark) from error


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Quick = type(
    "_Quick",
    (getattr(yaml, "CSafeLoader", yaml.SafeLoader),),
    {"yaml_implicit_resolvers": _Loader.yaml_implicit_resolvers},
)


def regular(path: Path) -> Path:
    """Return the path of a file (OSError: it is a pipe, a device or a socket, which may keep its reader for ever)."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(EINVAL, "Is not a regular file", str(path))
    return path


def read(path: Path) -> str:
    """Return the text of a file (FileRefused: it cannot be read)."""
    try:
        return regular(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise FileRefused([Problem(str(path), line, "", "cannot be read: is not in UTF-8 here")]) from error
    except OSError as error:
        raise FileRefused([Problem(str(path), 1, "", f"cannot be read: {error}")]) from error


def read_yaml(text: str, file: str) -> tuple[Any, Places]:
    """Return what a text says, and on which line each of its fields stands; `file` names it in FileRefused."""
    places: Places = {}
    try:
        root = _root(text)
        if root is None:
            return None, places
        _mark(root, (), places, file)
        return _Loader("").construct_document(root), places
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _not_yaml(file, mark.line + 1 if mark else 1, error.problem) from error
    except ReaderError as error:
        raise _not_yaml(file, text.count("\n", 0, error.position) + 1, error.reason) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _not_yaml(file, 1, str(error)) from error


def _root(text: str) -> yaml.Node | None:
    """Return what a text consists of: LibYAML reads ten times as fast, but tells less of what is wrong."""
    try:
        return yaml.compose(text, Loader=_Quick)
    except (yaml.YAMLError, ValueError, RecursionError):
        return _Loader(text).get_single_node()


def _not_yaml(file: str, line: int, reason: str | None) -> FileRefused:
    return FileRefused([Problem(file, line, "", f"not valid YAML: {reason}")])


def _mark(node: yaml.Node, field: Field, places: Places, file: str) -> None:
    """Note the line of every field below a node; refuse a field given twice, of which YAML would keep the last."""
    places.setdefault(field, node.start_mark.line + 1)
    if len(places) > MOST_FIELDS:
        # A few lines of aliases of aliases say millions, and nobody means them.
        says = f"has more than {MOST_FIELDS:,} fields here, those of its aliases counted each time"
        raise FileRefused([Problem(file, node.start_mark.line + 1, "", says)])
    if isinstance(node, yaml.SequenceNode):
        for position, each in enumerate(node.value):
            _mark(each, (*field, position), places, file)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*field, str(key.value))
            line = key.start_mark.line + 1
            if inner in places:
                raise FileRefused(
                    [Problem(file, line, written(inner), f"is given twice, first on line {places[inner]}")]
                )
            places[inner] = line
            _mark(value, inner, places, file)


def problem(field: Field, says: str, places: Places, file: str, *, about: str = "") -> Problem:
    """Return what is wrong in a field, on its line: that of `about` within it, else of the nearest that is there."""
    known = (*field, about)
    while known not in places and known:
        known = known[:-1]
    return Problem(file, places.get(known, 1), written(field), says)


def place(error: Mapping[str, Any], places: Places, file: str, root: type[BaseModel], within: Field = ()) -> Problem:
    """Return what an error of `root`, which a file holds in the field `within`, says, and on which line it stands."""
    says, field = message(error, root), (*within, *error["loc"])
    # A check of a whole list begins with the place of what is wrong in it.
    if (found := _PLACED.match(says)) and (inner := (*field, *_steps(found[1]))) in places:
        return problem(inner, found[2], places, file)
    # What is wrong with a block as a whole begins with the field that it is about.
    return problem(field, says, places, file, about=re.split(r"\W", says, maxsplit=1)[0])


def _steps(place: str) -> Field:
    return tuple(int(each) if each.isdigit() else each for each in re.findall(r"\w+", place))
