"""The sandbox of templates: Jinja2 that reaches plain data only, calls nothing and stays small.

Nothing in a template is ever called, and nothing but the fields of mappings and the items of lists is looked at: what
usually leads out of a sandbox (`__class__`, `__globals__`, `cycler`) is not there to begin with. Jinja2's own sandbox
stands behind that.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from math import isfinite
from typing import Any, ClassVar, Final, NamedTuple, NoReturn

from jinja2 import ChainableUndefined, Template, TemplateError, TemplateRuntimeError, UndefinedError, nodes
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from policy.template_filters import FILTERS, LARGEST, LEFT, LISTED, Steps, TooMuch
from policy.template_syntax import TemplateRefused, read

_TESTS: Final = ("defined", "undefined", "none", "number", "string", "even", "odd")
_LOOP: Final = frozenset({"index", "index0", "first", "last", "length", "revindex"})
_NAME: Final = "(template)"
_NODES_A_STEP: Final = 20


class Missing(ChainableUndefined):
    """A value that is not there: no in a condition, empty in a loop, replaced by `default`, and never printed."""

    __slots__ = ()

    def __str__(self) -> str:
        raise UndefinedError(f"{self._undefined_name} is not known; say what to write then: | default('…')")

    __html__ = __str__


class Unfillable(Exception):
    """The template cannot be filled in for this person."""

    def __init__(self, line: int, says: str) -> None:
        super().__init__(f"line {line}: {says}")
        self.line = line
        self.says = says


class Compiled(NamedTuple):
    """A template that can be filled in, and the names of the context that it looks at."""

    template: Template
    names: frozenset[str]

    def fill(self, context: Mapping[str, Any], *, longest: int) -> str:
        """Return the text for a context of plain data, of `longest` characters at most.

        Raises:
            Unfillable: A value is missing without a default, has the wrong type, or the text would be too long.
        """
        LEFT.set(Steps())
        try:
            return "".join(_up_to(longest, self.template.generate(context)))
        except (TemplateError, TooMuch) as error:
            raise Unfillable(_line(error), str(error)) from error
        except Exception as error:
            # Its own words may hold what is known of a person.
            raise Unfillable(_line(error), f"cannot be computed: {type(error).__name__}") from error


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops: ClassVar[frozenset[str]] = frozenset({"+", "-", "*", "/", "//", "%", "**"})  # type: ignore[misc]

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(
            undefined=Missing,
            autoescape=autoescape,
            finalize=_printed,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=0,
        )
        self.globals = {}
        self.filters = dict(FILTERS)
        self.tests = {name: self.tests[name] for name in _TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a field of a mapping; nothing else has any."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return a field of a mapping, or an item or a slice of a list."""
        if isinstance(obj, Missing):
            return obj
        if isinstance(obj, LoopContext) and argument in _LOOP:
            return getattr(obj, argument)
        found = None
        if isinstance(obj, Mapping) and isinstance(argument, str):
            found = obj.get(argument)
        elif isinstance(obj, list):
            found = _item(obj, argument)
        return self.undefined(name=str(argument)[:100]) if found is None else found

    def call(self, _context: Context, _called: Any, *_args: Any, **_named: Any) -> NoReturn:
        """Refuse; there is no way to write a call, either."""
        raise TemplateRuntimeError("a template calls nothing")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute with numbers of an everyday size."""
        for each in (left, right):
            if isinstance(each, Missing):
                str(each)
            if isinstance(each, bool) or not isinstance(each, (int, float)):
                raise TemplateRuntimeError(f"{operator} is for numbers; texts are written one after the other")
            if not abs(each) <= LARGEST:
                raise TemplateRuntimeError(f"{operator}: the number is too large")
        return super().call_binop(context, operator, left, right)


def _item(items: list[Any], argument: object) -> Any:
    if isinstance(argument, slice):
        return items[argument]
    return items[argument] if isinstance(argument, int) and -len(items) <= argument < len(items) else None


def _printed(value: Any) -> Any:
    """Let texts and finite numbers be printed; a list or a mapping is no text for anybody."""
    if isinstance(value, (str, Missing)) or (isinstance(value, (int, float)) and isfinite(value)):
        return value
    raise TemplateRuntimeError("only texts and numbers can be written, not a list or a block of fields")


_PLAIN: Final = _Sandbox(autoescape=False)
_HTML: Final = _Sandbox(autoescape=True)


@lru_cache(maxsize=256)
def compiled(text: str, *, html: bool, known: frozenset[str]) -> Compiled:
    """Return a template ready to be filled in.

    Args:
        text: The template.
        html: Whether what is filled in is escaped for HTML.
        known: The names that the context has; any other is a slip.

    Raises:
        TemplateRefused: It is none, or says something that templates may not.
    """
    sandbox = _HTML if html else _PLAIN
    try:
        tree = read(sandbox, text, known=known)
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = _listed(loop)
        code = sandbox.compile(tree, _NAME, _NAME)
    except TemplateRefused:
        raise
    except TemplateError as error:
        raise TemplateRefused(getattr(error, "lineno", None) or 1, str(error.message)) from error
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise TemplateRefused(
            1, f"is too deeply nested, or holds a number too large ({type(error).__name__})"
        ) from error
    names = frozenset(each.name for each in tree.find_all(nodes.Name)) & known
    return Compiled(Template.from_code(sandbox, code, {}, None), names)


def _up_to(longest: int, parts: Iterable[str]) -> Iterator[str]:
    size = 0
    for part in parts:
        size += len(part)
        if size > longest:
            raise TooMuch(f"is longer than {longest:,} characters")
        yield part


def _listed(loop: nodes.For) -> nodes.Filter:
    """Return what a loop goes through, counted: a round costs the more, the more there is to do in it."""
    steps = 1 + sum(1 for _ in loop.find_all(nodes.Node)) // _NODES_A_STEP
    return nodes.Filter(loop.iter, LISTED, [nodes.Const(steps)], [], None, None, lineno=loop.lineno)


def _line(error: BaseException) -> int:
    """Return the line of the template, which Jinja2 puts into the traceback."""
    line, frame = 1, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == _NAME:
            line = frame.tb_lineno
        frame = frame.tb_next
    return line
