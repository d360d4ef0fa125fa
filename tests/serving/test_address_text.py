import pytest

from serving.address_text import misspelt_part


@pytest.mark.parametrize(
    ("path", "query", "part"),
    [
        (b"/v1/users/M%C3%BCller", b"a=%F0%9F%98%80&b=100%&c=%zz&&d", None),
        (b"/v1/users/M%FCller", b"", "path"),
        (b"/v1/users/%C3", b"a=%BC", "path"),
        (b"/track", b"user_id=u&event=caf%E9", "event"),
        (b"/track", b"%FF=1", "\ufffd"),
    ],
)
def test_what_of_an_address_is_not_utf8_is_named(path, query, part):
    assert misspelt_part({"raw_path": path, "query_string": query}) == part
