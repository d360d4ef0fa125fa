import pytest
from pydantic import ValidationError

from serving.settings import Settings


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("horizons", "24h, 3d", ("24h", "3d")),
        (
            "cors_origins",
            "https://shop.example,http://localhost:3000",
            ("https://shop.example", "http://localhost:3000"),
        ),
        ("cors_origins", "*", ("*",)),
    ],
)
def test_a_list_in_the_environment_is_separated_by_commas(monkeypatch, name, value, expected):
    monkeypatch.setenv(f"OPPORTUNE_{name.upper()}", value)

    assert getattr(Settings(), name) == expected


@pytest.mark.parametrize(
    "origin", ["shop.example", "https://shop.example/", "https://shop.example/cart", "null", "file://"]
)
def test_what_is_not_an_origin_is_refused_by_name(origin):
    with pytest.raises(ValidationError, match="cors_origins"):
        Settings(cors_origins=["https://shop.example", origin])


def test_settings_do_not_change_once_read():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1
