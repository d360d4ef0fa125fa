"""Every example in a docstring does what it says."""

import doctest
import importlib

from tests.architecture import tree


def test_every_example_in_a_docstring_is_true():
    with_examples = [path for path in tree.modules() if ">>> " in tree.text(path)]

    for path in with_examples:
        module = importlib.import_module(".".join(path.with_suffix("").parts))
        results = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
        assert results.failed == 0, f"{path}: {results}"


def test_a_wrong_example_would_be_noticed():
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)

    assert doctest.DocTestRunner(verbose=False).run(wrong, out=lambda _: None).failed == 1
