"""Endpoints that answered 410 Gone: nothing is sent there until their address is changed."""

import json
from collections.abc import Mapping

from sqlalchemy import Connection

from serving.driver import driver
from serving.endpoints import Endpoint
from serving.facts import fact, set_fact


def disable(connection: Connection, endpoint: Endpoint, *, at: int) -> str:
    """Remember that an endpoint is gone since `at` (microseconds); return the sentence for its messages."""
    value = json.dumps({"address": endpoint.fingerprint, "at": at})
    set_fact(driver(connection), _named(endpoint.name), value)
    return _sentence(endpoint.name)


def disabled_endpoints(connection: Connection, endpoints: Mapping[str, Endpoint]) -> dict[str, str]:
    """Return the endpoints that are gone, each with the sentence for its messages; a new address is another chance."""
    found = {}
    for name, endpoint in endpoints.items():
        value = fact(driver(connection), _named(name))
        if value is not None and json.loads(value)["address"] == endpoint.fingerprint:
            found[name] = _sentence(name)
    return found


def _named(name: str) -> str:
    return f"gone:{name}"


def _sentence(name: str) -> str:
    return f"the endpoint {name} answered 410 Gone and is disabled until its address is changed"
