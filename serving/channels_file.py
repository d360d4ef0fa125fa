"""Which endpoint a channel uses: a file of endpoints by name, with secrets only by the variables that hold them."""

from collections.abc import Iterable, Iterator, Mapping
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from policy.places import FileRefused, Places, place, problem, read, read_yaml
from policy.problems import Field, Problem
from serving.channels_api import api
from serving.channels_fields import BLOCKS, ApiBlock, ChannelsBlock, FileBlock, SmtpBlock, WebhookBlock
from serving.channels_values import Surroundings, Wrong, address_of, secret_named
from serving.courier_file import FOLDER
from serving.endpoints import Endpoint, EndpointRefused, Lines, Smtp, check_host, webhook
from serving.mime import address
from serving.signing import SecretRefused

_UNSHOWN = frozenset(
    {"url", "url_env", "secret_env", "username_env", "password_env", "headers", "basic", "oauth", "username"}
)


class ChannelsRefused(FileRefused):
    """The file of channels and endpoints cannot be used."""


def read_endpoints(
    path: Path, *, environment: Mapping[str, str], home: Path, loopback_only: bool, known: Mapping[str, Endpoint]
) -> tuple[dict[str, Endpoint], dict[str, str]]:
    """Read the file.

    Args:
        path: The file.
        environment: Where secrets are, by the names that the file gives.
        home: Folder below which files of messages are written.
        loopback_only: Refuse every other machine.
        known: Endpoints that are configured elsewhere, which channels may use too.

    Returns:
        All endpoints by name, the known ones too, and the name of each channel's endpoint.

    Raises:
        ChannelsRefused: Anything in it is wrong; what it says of a secret never repeats it.
    """
    try:
        data, places = read_yaml(read(path), str(path))
        whole = ChannelsBlock.model_validate({} if data is None else data)
    except ValidationError as error:
        raise ChannelsRefused(list(_problems(error, places, str(path), ChannelsBlock))) from error
    except FileRefused as refused:
        raise ChannelsRefused(list(refused.problems)) from refused
    around = Surroundings(environment, home, loopback_only)
    endpoints: dict[str, Endpoint] = dict(known)
    problems: list[Problem] = []
    for name, block in whole.endpoints.items():
        made = _endpoint(name, block, places, str(path), around)
        if isinstance(made, list):
            problems += made
        elif name in known:
            problems.append(problem(("endpoints", name), "is set by OPPORTUNE_WEBHOOK… too", places, str(path)))
        else:
            endpoints[name] = made
    named = {*endpoints, *whole.endpoints}
    problems += [
        problem(("channels", channel), _nowhere(name, named), places, str(path))
        for channel, name in whole.channels.items()
        if name not in named
    ]
    if problems:
        raise ChannelsRefused(sorted(problems, key=lambda each: each.line))
    return endpoints, {str(channel): name for channel, name in whole.channels.items()}


def _nowhere(name: str, named: Iterable[str]) -> str:
    return f"there is no endpoint named {name}; there is {', '.join(sorted(named)) or 'none'}"


def _endpoint(name: str, block: Any, places: Places, file: str, around: Surroundings) -> Endpoint | list[Problem]:
    """Return an endpoint, or all that is wrong with its block."""
    within: Field = ("endpoints", name)
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(kind, str) or kind not in BLOCKS:
        says = f"needs a type, one of {', '.join(BLOCKS)}"
        return [problem((*within, "type"), says, places, file)]
    model = BLOCKS[kind]
    try:
        return _made(name, model.model_validate(block), around)
    except ValidationError as error:
        return list(_problems(error, places, file, model, within))
    except Wrong as wrong:
        return [problem((*within, *wrong.field), wrong.says, places, file)]


def _made(name: str, block: BaseModel, around: Surroundings) -> Endpoint:
    match block:
        case WebhookBlock():
            return _webhook(name, block, around)
        case SmtpBlock():
            return _smtp(name, block, around)
        case ApiBlock():
            return api(name, block, around)
        case FileBlock():
            return Lines(name, around.home / FOLDER / block.file)
    raise AssertionError(f"{type(block)} makes no endpoint")


def _webhook(name: str, block: WebhookBlock, around: Surroundings) -> Endpoint:
    names = (block.secret_env,) if isinstance(block.secret_env, str) else block.secret_env
    secrets = [secret_named(each, ("secret_env",), around) for each in names]
    url = address_of(name, block, around)
    try:
        return webhook(name, url, *secrets, loopback_only=around.loopback_only, concurrency=block.concurrency)
    except SecretRefused as refused:
        raise Wrong(("secret_env",), str(refused)) from None


def _smtp(name: str, block: SmtpBlock, around: Surroundings) -> Endpoint:
    try:
        check_host(name, block.host, loopback_only=around.loopback_only)
    except EndpointRefused as refused:
        raise Wrong(("host",), refused.reason) from None
    user = None if block.username_env is None else secret_named(block.username_env, ("username_env",), around)
    password = None if block.password_env is None else secret_named(block.password_env, ("password_env",), around)
    return Smtp(
        name,
        block.host,
        block.port,
        block.tls,
        _address(block.from_, "from"),
        None if block.reply_to is None else _address(block.reply_to, "reply_to"),
        block.username if user is None else user,
        password,
        block.concurrency,
    )


def _address(said: str, field: str) -> Address:
    name, spec = parseaddr(said)
    try:
        return address(spec, name)
    except ValueError as error:
        raise Wrong((field,), str(error)) from None


def _problems(
    error: ValidationError, places: Places, file: str, model: type[BaseModel], within: Field = ()
) -> Iterator[Problem]:
    """Yield what is wrong; whoever wrote a secret where its variable's name belongs does not find it in a log."""
    for each in error.errors(include_url=False):
        hidden = {} if not _UNSHOWN.intersection(each["loc"]) else {"input": "…"}
        yield place({**each, **hidden}, places, file, model, within)
