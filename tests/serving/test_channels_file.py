"""The file of channels: what it says, and what is wrong with it by file, line and field, never with a secret."""

import pytest

from serving.channels_file import ChannelsRefused, read_endpoints
from serving.endpoints import Api, Lines, Smtp, Webhook, webhook
from tests.serving.receivers import SECRET

WHOLE = """
format: 1
endpoints:
  hooks:
    type: webhook
    url: https://hooks.example/in
    secret_env: [OLD_SECRET, NEW_SECRET]
  mail:
    type: smtp
    host: smtp.example.com
    from: Shop <news@shop.example>
    username: shop
    password_env: MAIL_PASSWORD
  texts:
    type: http
    url_env: SMS_URL
    headers: {Authorization: {secret_env: SMS_KEY, before: "Bearer "}}
    body: {to: "{{ to }}", text: "{{ sms }}"}
    message_id: {json: data.id}
  staging:
    type: file
    file: messages.jsonl
channels:
  email: mail
  sms: texts
  push: default
"""
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ENVIRONMENT = {
    "OLD_SECRET": SECRET,
    "NEW_SECRET": OTHER,
    "MAIL_PASSWORD": "hunter2-mail",
    "SMS_URL": "https://sms.example/T0K3N",
    "SMS_KEY": "hunter2-sms",
}
KNOWN = {"default": webhook("default", "https://other.example/", SECRET)}


@pytest.fixture
def reading(tmp_path):
    def read(text, *, loopback_only=False, environment=ENVIRONMENT, known=KNOWN):
        file = tmp_path / "channels.yaml"
        file.write_text(text, encoding="utf-8")
        return read_endpoints(file, environment=environment, home=tmp_path, loopback_only=loopback_only, known=known)

    return read


@pytest.fixture
def refused(reading, tmp_path):
    """What is said of a file, without its folder."""

    def say(text, **options):
        with pytest.raises(ChannelsRefused) as said:
            reading(text, **options)
        return str(said.value).replace(str(tmp_path / "channels.yaml"), "channels.yaml").splitlines()

    return say


def test_a_whole_file(reading, tmp_path):
    endpoints, by_channel = reading(WHOLE)

    assert {name: type(each) for name, each in endpoints.items()} == {
        "default": Webhook,
        "hooks": Webhook,
        "mail": Smtp,
        "texts": Api,
        "staging": Lines,
    }
    assert len(endpoints["hooks"].keys) == 2
    assert (endpoints["mail"].port, endpoints["mail"].tls, endpoints["mail"].password) == (
        587,
        "starttls",
        "hunter2-mail",
    )
    assert str(endpoints["mail"].sender) == "Shop <news@shop.example>"
    assert endpoints["texts"].url == "https://sms.example/T0K3N"
    assert endpoints["staging"].path == tmp_path / "sent" / "messages.jsonl"
    assert by_channel == {"email": "mail", "sms": "texts", "push": "default"}


def test_no_secret_is_ever_shown(reading):
    endpoints, _ = reading(WHOLE)
    shown = repr(endpoints)

    assert not [each for each in ENVIRONMENT.values() if each in shown]


def test_every_problem_is_told_with_its_line_and_field(refused):
    assert refused(
        """endpoints:
  a: {type: fax}
  b: {host: x}
  mail:
    type: smtp
    hots: smtp.example.com
    from: nobody
  hooks:
    type: webhook
    url: https://hooks.example
    secret_env: NOT_SET
  default: {type: file, file: x.jsonl}
channels:
  email: letters
"""
    ) == [
        "channels.yaml:2: endpoints.a.type: needs a type, one of webhook, smtp, http, file",
        "channels.yaml:3: endpoints.b.type: needs a type, one of webhook, smtp, http, file",
        "channels.yaml:4: endpoints.mail.host: is missing",
        "channels.yaml:6: endpoints.mail.hots: is not a field we know; did you mean host?",
        "channels.yaml:11: endpoints.hooks.secret_env: the environment variable NOT_SET is not set",
        "channels.yaml:12: endpoints.default: is set by OPPORTUNE_WEBHOOK… too",
        "channels.yaml:14: channels.email: there is no endpoint named letters; there is a, b, default, hooks, mail",
    ]


def an_api(**fields):
    given = {"url": "https://api.example/", "body": '{to: "{{ to }}"}'} | fields
    lines = "\n".join(f"    {name}: {value}" for name, value in given.items())
    return f"endpoints:\n  api:\n    type: http\n{lines}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (an_api(body='{to: [x, "{{ tou }}"]}'), "channels.yaml:5: endpoints.api.body.to[1]: is no template: "),
        (an_api(body='{to: "{{ to"}'), "channels.yaml:5: endpoints.api.body.to: is no template: "),
        (an_api(body='{to: "{{ to.__class__() }}"}'), "channels.yaml:5: endpoints.api.body.to: is no template: "),
        (an_api(headers='{X: "{{ nothing }}"}'), "channels.yaml:6: endpoints.api.headers.X: is no template: "),
        (an_api(url="ftp://x"), "channels.yaml:4: endpoints.api.url: needs an address that begins with https://"),
        (an_api(url_env="SMS_URL"), "channels.yaml:2: endpoints.api: needs either url or url_env"),
        (
            an_api(encoding="form", body="[x]"),
            "channels.yaml:2: endpoints.api: a form has fields: write body as a block",
        ),
        (an_api(encoding="xml"), "channels.yaml:6: endpoints.api.encoding: "),
        (an_api(basic="{password_env: SMS_KEY}"), "channels.yaml:6: endpoints.api.basic: needs either username or "),
        (an_api(basic='{username: "a:b"}'), "channels.yaml:6: endpoints.api.basic: a user name with a colon "),
        (
            an_api(basic="{username: u, password_env: NOT_SET}"),
            "channels.yaml:6: endpoints.api.basic.password_env: the ",
        ),
        (
            an_api(basic="{username: u}", headers="{authorization: x}"),
            "channels.yaml:2: endpoints.api: says twice who asks: take one of basic, oauth and a header Authorization",
        ),
        (
            an_api(oauth='{token_url: "ftp://x", client_id: c, client_secret_env: SMS_KEY}'),
            "channels.yaml:6: endpoints.api.oauth.token_url: needs an address that begins with https://",
        ),
        (
            an_api(oauth='{token_url: "https://x.example", client_secret_env: SMS_KEY}'),
            "channels.yaml:6: endpoints.api.oauth: needs either client_id or client_id_env",
        ),
        ("endpoints: [", "channels.yaml:1: not valid YAML: "),
        ("channels: {fax: x}", "channels.yaml:1: channels.fax"),
        (
            "endpoints: {m: {type: smtp, host: h.example, from: news@shop, tls: none}}",
            "channels.yaml:1: endpoints.m.from: is no e-mail address",
        ),
        (
            "endpoints: {m: {type: smtp, host: h.test, from: a@b.cc, tls: none, username: u, password_env: SMS_KEY}}",
            "channels.yaml:1: endpoints.m: a password needs tls",
        ),
        ("endpoints: {f: {type: file, file: ../x.jsonl}}", "channels.yaml:1: endpoints.f.file: must be made of"),
    ],
)
def test_a_slip_is_named_by_its_place(refused, text, says):
    (said,) = refused(text)

    assert said.startswith(says)


@pytest.mark.parametrize(
    "slip",
    [
        "endpoints: {h: {type: webhook, url: 'https://x.example/', secret_env: whsec_TYPED-IN}}",
        "endpoints: {h: {type: webhook, url: 'https://x.example/', secret: whsec_TYPED-IN}}",
        "endpoints: {h: {type: webhook, url: [whsec_TYPED-IN], secret_env: OLD_SECRET}}",
        "endpoints: {h: {type: http, url: 'https://x.example/', body: {}, headers: {A: {secret_env: whsec_TYPED-IN}}}}",
        "endpoints: {h: {type: http, url: 'https://x.example/', body: {}, basic: {password_env: TYPED-IN}}}",
        "endpoints: {h: {type: http, url: 'https://x.example/', body: {}, basic: TYPED-IN}}",
        "endpoints: {h: {type: http, url: 'https://x.example/', body: {}, oauth: {client_secret: TYPED-IN}}}",
        "endpoints: {m: {type: smtp, host: h.example, from: a@b.cc, username: [TYPED-IN], password_env: SMS_KEY}}",
    ],
)
def test_a_secret_that_was_typed_in_is_not_repeated(refused, slip):
    assert "TYPED-IN" not in "".join(refused(slip))


def test_a_malformed_secret_is_named_by_its_variable_only(refused):
    (said,) = refused(WHOLE.replace("NEW_SECRET", "SMS_KEY"))

    assert said.startswith("channels.yaml:7: endpoints.hooks.secret_env: ")
    assert "hunter2" not in said


def test_a_replay_reaches_this_machine_only(refused):
    assert [each.split(": ")[1] for each in refused(WHOLE, loopback_only=True)] == [
        "endpoints.hooks.url",
        "endpoints.mail.host",
        "endpoints.texts.url_env",
    ]


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ChannelsRefused, match=r"nowhere\.yaml:1: cannot be read"):
        read_endpoints(tmp_path / "nowhere.yaml", environment={}, home=tmp_path, loopback_only=False, known={})
