"""Templates of a policy: in its file, in what triggers say, in the folder beside it."""

import pytest

from policy.source import PolicyRefused, load, parse, remarks
from policy.templates import parts_of
from tests.policy.test_source import problems_of

TRIGGER = "triggers:\n- {name: a, on: x, threshold: 0, cool_down: 1d, content: %s}\n"


def with_files(folder, text="triggers: []\n", **files):
    for name, content in files.items():
        template, _, file = name.partition("__")
        (folder / "templates" / template).mkdir(parents=True, exist_ok=True)
        (folder / "templates" / template / file.replace("_", ".")).write_text(content)
    (folder / "triggers.yaml").write_text(text)
    return folder / "triggers.yaml"


def test_templates_come_from_the_file_and_from_the_folder_beside_it(tmp_path):
    policy = load(
        with_files(
            tmp_path, "triggers: []\ntemplates: {own: {sms: hi}}\n", cart__subject_txt="S", cart__html_html="<p>H</p>\n"
        )
    )

    assert {name: each.parts() for name, each in policy.templates.items()} == {
        "own": {"sms": "hi"},
        "cart": {"subject": "S", "html": "<p>H</p>\n"},
    }


def test_the_version_of_a_policy_changes_with_its_templates(tmp_path):
    before = load(with_files(tmp_path, cart__sms_txt="a")).version

    assert load(with_files(tmp_path, cart__sms_txt="b")).version != before


def test_what_a_trigger_says_itself_goes_before_the_template_it_names():
    policy = parse("templates: {cart: {subject: S, text: T}}\n" + TRIGGER % "{template: cart, subject: own, x: 1}")

    assert parts_of(policy.triggers[0].content, policy.templates) == {"subject": "own", "text": "T"}


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        (TRIGGER % '{subject: "{{ profil.x }}"}', "2: triggers[0].content.subject: line 1", "nothing is called profil"),
        (TRIGGER % '{json: {a: ["{{"]}}', "2: triggers[0].content.json.a[0]: line 1", "unexpected 'end of template'"),
        ("templates:\n  a:\n    html: |\n      <p>\n      {% for %}\n", "3: templates.a.html: line 2", "Expected an"),
        ("templates:\n  cart:\n    htm: x\n", "3: templates.cart.htm", "is not a field we know; did you mean html?"),
    ],
)
def test_a_malformed_template_refuses_the_file_and_names_the_place(text, place, says):
    [problem] = problems_of(text)

    assert problem.startswith(f"triggers.yaml:{place}")
    assert says in problem


def test_in_steps_and_branches_too():
    text = """
triggers:
  - name: a
    on: x
    threshold: 0
    cool_down: 1d
    steps:
      - after: 1d
        content: {sms: "{{ 1"}
        branches:
          - {when: {feature: {name: cart_value, at_least: 1}}, content: {push: "{% x %}"}}
"""
    found = [each.split(": ")[1] for each in problems_of(text)]

    assert found == ["triggers[0].steps[0].content.sms", "triggers[0].steps[0].branches[0].content.push"]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"cart__html_html": "a\n{{ cart.x"}, "templates/cart/html.html:2: unexpected end of template"),
        ({"cart__body_html": "a"}, "templates/cart/body.html:1: is no part of a message; it can be one of subject.txt"),
        ({"Cart__sms_txt": "a"}, "templates/Cart:1: must be made of lower-case letters, digits, - and _"),
        ({"cart__sms_txt": "a" * 64_001}, "templates/cart/sms.txt:1: is longer than 64,000 characters"),
    ],
)
def test_a_malformed_file_refuses_the_policy_and_names_the_file_and_line(tmp_path, files, problem):
    with pytest.raises(PolicyRefused) as refused:
        load(with_files(tmp_path, **files))

    assert str(refused.value).removeprefix(f"{tmp_path}/").startswith(problem)


def test_a_file_that_is_no_text_is_named(tmp_path):
    file = with_files(tmp_path, cart__sms_txt="")
    (tmp_path / "templates/cart/sms.txt").write_bytes(b"\xff\xfe")

    with pytest.raises(PolicyRefused, match=r"sms\.txt:1: cannot be read"):
        load(file)


def test_a_template_that_is_not_there_is_remarked_on_where_there_are_any():
    said = TRIGGER % "{template: crat}"

    assert remarks(parse(said)) == []
    assert remarks(parse("templates: {cart: {sms: x}}\n" + said)) == [
        "trigger a names the template 'crat', which is not there; did you mean cart?"
    ]


def test_a_message_that_its_channel_cannot_send_is_remarked_on():
    said = TRIGGER.replace("content: %s", "channel: {prefer: [email, sms]}, content: %s")

    assert remarks(parse(said % "{subject: S, html: H, sms: T}")) == []
    assert remarks(parse(said % "{id: 7}")) == []
    assert remarks(parse(said % "{subject: S}")) == [
        "trigger a sends by email, but a message of it has no text or html",
        "trigger a sends by sms, but a message of it has no sms",
    ]
