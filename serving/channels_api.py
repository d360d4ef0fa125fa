"""Blocks of providers' HTTP interfaces, made into endpoints: what is asked of them, and who asks."""

from collections.abc import Callable
from typing import TypeVar

from policy.problems import Field
from serving.access_tokens import Client, basic_login
from serving.channels_fields import ApiBlock, BasicBlock, OAuthBlock, SecretHeader
from serving.channels_values import Surroundings, Wrong, address_of, checked_address, secret_named
from serving.endpoints import Api
from serving.provider_body import BodyRefused, Header, body, header, secret_header

T = TypeVar("T")
Made = TypeVar("Made")


def api(name: str, block: ApiBlock, around: Surroundings) -> Api:
    """Return the endpoint of a block (Wrong: something in it cannot be used)."""
    return Api(
        name,
        address_of(name, block, around),
        block.method,
        _headers(block, around),
        _templated(body, block.body, ("body",)),
        frozenset(block.refusals),
        _path(block.error_at),
        _path(block.message_id.json_ if block.message_id else None),
        block.message_id.header if block.message_id else None,
        block.concurrency,
        form=block.encoding == "form",
        client=None if block.oauth is None else _client(name, block.oauth, around),
    )


def _headers(block: ApiBlock, around: Surroundings) -> dict[str, Header]:
    headers = {} if block.basic is None else {"Authorization": secret_header(_basic(block.basic, around))}
    for key, value in block.headers.items():
        field = ("headers", key)
        if isinstance(value, SecretHeader):
            headers[key] = secret_header((value.before or "") + secret_named(value.secret_env, field, around))
        else:
            headers[key] = _templated(header, value, field)
    return headers


def _basic(block: BasicBlock, around: Surroundings) -> str:
    user = block.username
    if block.username_env is not None:
        user = secret_named(block.username_env, ("basic", "username_env"), around)
    password = "" if block.password_env is None else secret_named(block.password_env, ("basic", "password_env"), around)
    if ":" in (user or ""):
        raise Wrong(("basic",), "a user name with a colon cannot be told from its password")
    return basic_login(user or "", password)


def _client(name: str, block: OAuthBlock, around: Surroundings) -> Client:
    known = block.client_id
    if block.client_id_env is not None:
        known = secret_named(block.client_id_env, ("oauth", "client_id_env"), around)
    return Client(
        checked_address(name, block.token_url, ("oauth", "token_url"), around),
        known or "",
        secret_named(block.client_secret_env, ("oauth", "client_secret_env"), around),
        block.scope,
        block.send_as,
        tuple(block.parameters.items()),
    )


def _templated(make: Callable[[T], Made], said: T, field: Field) -> Made:
    try:
        return make(said)
    except BodyRefused as refused:
        raise Wrong((*field, *refused.field), str(refused)) from None


def _path(said: str | None) -> tuple[str, ...] | None:
    return None if said is None else tuple(said.split("."))
