import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.json_text import DEEPEST
from serving.nesting import pruned

texts = st.text(st.sampled_from('[]{}"\\a,: é'), max_size=12)
documents = st.recursive(
    texts | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=30,
)


@given(documents, st.booleans())
def test_what_can_be_kept_is_left_as_it_is(document, ascii_only):
    text = json.dumps(document, ensure_ascii=ascii_only).encode()

    assert pruned(text) == text


@given(documents, st.integers(DEEPEST, 5000), st.sampled_from([("[", "]"), ('{"[": ', "}")]))
def test_what_is_deeper_can_be_read_and_is_still_too_deep(document, levels, brackets):
    opening, closing = brackets
    text = json.dumps(document)

    items = json.loads(pruned(f'{{"batch": [{text}, {opening * levels}{text}{closing * levels}, {text}]}}'.encode()))

    first, deep, last = items["batch"]
    assert first == last == document
    for _ in range(DEEPEST):
        assert deep
        [deep] = deep if isinstance(deep, list) else deep.values()


@pytest.mark.parametrize("text", [b"", b"[" * 500, b"]" * 500, b'{"a', b"\\", b'"\\', b"\xff\x00"])
def test_what_is_no_json_is_none_afterwards(text):
    with pytest.raises(ValueError, match=r"."):
        json.loads(pruned(text))
