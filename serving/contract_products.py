"""The declared contract of the routes for products."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from serving.contract import Declared
from serving.links import LONGEST_URL, is_web_address
from serving.products import MOST_ATTRIBUTES

MOST_PRODUCTS = 1000
_LONGEST_ATTRIBUTES = 4000
_LAMP: JsonDict = {
    "product_id": "p-7",
    "name": "Desk lamp",
    "price": 39.9,
    "currency": "EUR",
    "image_url": "https://shop.example/i/p-7.jpg",
    "url": "https://shop.example/p/p-7",
    "category": "Lamps",
    "stock": 12,
    "attributes": {"colour": "green"},
}


def _web_address(address: str) -> str:
    if not is_web_address(address):
        raise ValueError("is no web address: it begins with http:// or https://")
    return address


def _single(value: object) -> object:
    if not isinstance(value, dict | list):
        return value
    raise ValueError("must be a text, a number, true, false or null")


def _few(attributes: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(attributes, ensure_ascii=False)
    if len(text) > _LONGEST_ATTRIBUTES:
        raise ValueError(f"have more than {_LONGEST_ATTRIBUTES:,} characters as JSON")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("hold half a character, which is no Unicode") from None
    return attributes


_Address = Annotated[str, Field(max_length=LONGEST_URL), AfterValidator(_web_address)]
# Asked first: of a value that is none of these, pydantic would name each of them as a field of its own.
_Attribute = Annotated[str | float | bool | None, BeforeValidator(_single)]


class Product(Declared):
    """A product; what is not named stays as it was, and null takes it away."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, json_schema_extra={"examples": [_LAMP]})

    product_id: str = Field(min_length=1, max_length=256, description="As events name it: their `product_id` or `sku`.")
    name: str | None = Field(default=None, max_length=500)
    price: float | None = Field(default=None, ge=0, le=1e12)
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$", description="ISO 4217, such as EUR.")
    image_url: _Address | None = None
    url: _Address | None = None
    category: str | None = Field(default=None, max_length=500)
    stock: int | None = Field(default=None, ge=0, le=10**12, description="How many there are; 0 is sold out.")
    attributes: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=100)], _Attribute],
        Field(max_length=MOST_ATTRIBUTES),
        AfterValidator(_few),
    ] = Field(default={}, description="Anything else, by name.")


class ProductsRequest(Declared):
    """Products as they are from now on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"products": [_LAMP]}]})

    products: list[Product] = Field(min_length=1, max_length=MOST_PRODUCTS)


class ProductsAnswer(Declared):
    """How many products were written."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"products": 1}]})

    products: int
