"""The routes for products: told by the shop, shown in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from serving import contract_products as contract
from serving import products
from serving.driver import driver
from serving.errors import NoSuchProduct
from serving.keys import ADMIN
from serving.routes import GuardedRoute

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine as Database

    from serving.engine import Engine


class ProductRoutes:
    """The two routes, on an engine and its database."""

    def __init__(self, engine: Engine, *, database: Database, clock: Callable[[], int]) -> None:
        """Keep what answering needs; `clock` tells the wall's microseconds since the epoch."""
        self._engine = engine
        self._database = database
        self._clock = clock

    def routes(self) -> list[GuardedRoute]:
        """Return the routes as declared."""
        declared: dict[str, Any] = {"needs": ADMIN, "tags": ["products"], "strict_content_type": False}
        return [
            GuardedRoute("/v1/products", self.tell, methods=["PUT"], size="batch", **declared),
            GuardedRoute("/v1/products/{product_id:path}", self.product, methods=["GET"], **declared),
        ]

    async def tell(self, asked: contract.ProductsRequest) -> contract.ProductsAnswer:
        """Write products, known and new ones; of a known one, what is not named stays as it was."""
        told = [each.model_dump(exclude_unset=True) for each in asked.products]
        at = self._clock()
        await self._engine.write(lambda connection: products.upsert(connection, told, at=at))
        return contract.ProductsAnswer(products=len(told))

    def product(self, product_id: str) -> contract.Product:
        """Return what is known of a product."""
        with self._database.connect() as connection:
            found = products.read(driver(connection), [product_id]).get(product_id)
        if found is None:
            raise NoSuchProduct(field="product_id")
        return contract.Product.model_construct(**found)
