"""What a template may say: read as Jinja2, and refused where it holds anything that has no place in a message."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from jinja2 import Environment, meta, nodes

MOST_CHARACTERS: Final = 64_000
_DEEPEST_LOOP: Final = 2
_ALLOWED: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.If,
    nodes.For,
    nodes.Assign,
    nodes.Filter,
    nodes.Test,
    nodes.Keyword,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Neg,
    nodes.Pos,
)
_WHY: Final[dict[type[nodes.Node], str]] = {
    nodes.Call: "a template calls nothing: filters, such as {{ name | upper }}, do what can be done",
    nodes.Concat: "~ is not available: write {{ a }}{{ b }}",
    nodes.Include: "a template is complete in itself: include is not available",
    nodes.Import: "a template is complete in itself: import is not available",
    nodes.FromImport: "a template is complete in itself: import is not available",
    nodes.Extends: "a template is complete in itself: extends is not available",
    nodes.Macro: "macro is not available",
    nodes.Dict: "a block of fields cannot be written here",
}


class TemplateRefused(ValueError):
    """The text is no template that can be used; `line` counts from 1."""

    def __init__(self, line: int, says: str) -> None:
        super().__init__(f"line {line}: {says}")
        self.line = line
        self.says = says


def read(environment: Environment, text: str, *, known: frozenset[str]) -> nodes.Template:
    """Return the tree of a template that holds only what is allowed and names only what is known.

    Raises:
        TemplateRefused: It does not.
        jinja2.TemplateError: It is no Jinja2.
    """
    if len(text) > MOST_CHARACTERS:
        raise TemplateRefused(1, f"is longer than {MOST_CHARACTERS:,} characters")
    tree = environment.parse(text)
    for line, says in _objections(tree, 0):
        raise TemplateRefused(line, says)
    for line, says in _unknown(environment, tree):
        raise TemplateRefused(line, says)
    unknown = meta.find_undeclared_variables(tree) - known
    for name in tree.find_all(nodes.Name):
        if name.name in unknown:
            nearest = get_close_matches(name.name, known, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"it can be one of {', '.join(sorted(known))}"
            raise TemplateRefused(name.lineno, f"nothing is called {name.name}; {hint}")
    return tree


def _unknown(environment: Environment, tree: nodes.Template) -> Iterator[tuple[int, str]]:
    """Yield which filters and tests there are none of, with the line: Jinja2 itself looks no further than an `if`."""
    for each in tree.find_all((nodes.Filter, nodes.Test)):
        what, there_are = (
            ("filter", environment.filters) if isinstance(each, nodes.Filter) else ("test", environment.tests)
        )
        if each.name not in there_are:
            nearest = get_close_matches(each.name, there_are, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            yield each.lineno, f"no {what} is called {each.name}{hint}"


def _objections(node: nodes.Node, loops: int) -> Iterator[tuple[int, str]]:
    """Yield what stands against a node or one below it, with the line."""
    says = _objection(node)
    if says is not None:
        yield node.lineno, says
    if isinstance(node, nodes.For):
        loops += 1
        if loops > _DEEPEST_LOOP:
            yield node.lineno, f"for within for within for: {_DEEPEST_LOOP} deep is the limit"
    for each in node.iter_child_nodes():
        yield from _objections(each, loops)


def _objection(node: nodes.Node) -> str | None:
    if isinstance(node, (nodes.List, nodes.Tuple)):
        constant = all(isinstance(each, nodes.Const) for each in node.items)
        return None if constant else "a list can hold texts and numbers only, each written out"
    if not isinstance(node, _ALLOWED):
        return _WHY.get(type(node), f"{type(node).__name__.lower()} is not available")
    called = node.name if isinstance(node, nodes.Name) else node.attr if isinstance(node, nodes.Getattr) else ""
    if called == "self" or called.startswith("_"):
        return f"nothing is called {called}"
    if isinstance(node, nodes.For) and node.recursive:
        return "a recursive loop is not available"
    if isinstance(node, nodes.Assign) and not isinstance(node.target, nodes.Name):
        return "set gives one name a value"
    return None
