"""Templates: what they can do, what they cannot reach, and how little they can grow."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.sandbox import Unfillable, compiled
from policy.template_syntax import TemplateRefused

KNOWN = frozenset({"profile", "cart", "event"})
CONTEXT = {
    "profile": {"name": "<Ann>", "n": 3, "tags": ["a", "b"], "address": {"city": "Bonn"}, "long": "x" * 30_000},
    "cart": {"items": [{"name": "Lamp", "price": 2.5}, {"name": "Bed & board", "price": 4, "url": None}]},
    "event": {"many": list(range(2_000)), "nested": [[1], [2]]},
}


def fill(text, *, html=False, longest=1_000, **context):
    return compiled(text, html=html, known=KNOWN).fill({**CONTEXT, **context}, longest=longest)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hi {{ profile.name }}", "Hi <Ann>"),
        ("{{ profile.address.city | upper }}", "BONN"),
        ("{{ profile.nobody.knows | default('there') }}", "there"),
        ("{{ cart.items[1].url | default('no address') }}", "no address"),
        ("{% if profile.nick %}a{% else %}b{% endif %}", "b"),
        ("{% if profile.n > 2 and 'a' in profile.tags %}yes{% endif %}", "yes"),
        ("{% for each in cart.items %}{{ loop.index }} {{ each.name }}{% if not loop.last %}, {% endif %}{% endfor %}",
         "1 Lamp, 2 Bed & board"),
        ("{% for each in cart.gone %}{{ each }}{% else %}none{% endfor %}", "none"),
        ("{{ cart.items | map(attribute='name') | join(' + ') }}", "Lamp + Bed & board"),
        ("{{ cart.items | sum(attribute='price') | money('EUR') }}", "6.50 EUR"),
        ("{{ cart.items[0].name }}, {{ cart.items[-1].name }}, {{ cart.items[:1] | length }}", "Lamp, Bed & board, 1"),
        ("{{ (profile.n * 7 / 3) | round }} {{ 1.005 | round(1) }}", "7 1.0"),
        ("{% set n = profile.n + 1 %}{{ n }}", "4"),
        ("{{ 'a-b' | replace('-', '+') | urlencode }}", "a%2Bb"),
        ("{{ profile.tags | tojson }}", '["a", "b"]'),
        ("{{ 'gold' if profile.name in ['<Ann>', 'Bob'] else 'iron' }}", "gold"),
    ],
)  # fmt: skip
def test_a_template_says_what_it_should(template, text):
    assert fill(template) == text


def test_html_is_escaped_and_text_is_not():
    assert fill("<b>{{ profile.name }}</b>", html=True) == "<b>&lt;Ann&gt;</b>"
    assert fill("<b>{{ profile.name }}</b>") == "<b><Ann></b>"


ATTACKS = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ profile.__class__ }}",
    "{{ profile['__class__'] | upper }}",
    "{{ profile.get('name') }}",
    "{{ profile.tags.append('c') }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner }}{{ namespace }}{{ lipsum }}{{ dict }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ self }}",
    "{{ loop }}",
    "{{ steps }}",
    "{{ profile | attr('__class__') }}",
    "{{ profile | map('attr', '__class__') | list }}",
    "{{ profile | format }}",
    "{{ '{0.__class__}'.format(profile) }}",
    "{{ '%s' % profile }}",
    "{{ profile | safe }}",
    "{{ profile | pprint }}",
    "{{ profile }}",
    "{% import 'os' as os %}",
    "{% from 'x' import y %}",
    "{% include '/etc/passwd' %}",
    "{% extends 'base' %}",
    "{% macro x() %}{% endmacro %}",
    "{% block x %}{% endblock %}",
    "{% call x() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% set profile.name = 'x' %}",
    "{% set x %}{% endset %}",
    "{% autoescape false %}{{ profile.name }}{% endautoescape %}",
    "{% for each in cart.items recursive %}{% endfor %}",
    "{% for __class__ in cart.items %}{% endfor %}",
    "{{ range(10) }}",
    "{{ [profile, profile] }}",
    "{{ {'a': profile} }}",
]


@pytest.mark.parametrize("template", ATTACKS)
@pytest.mark.parametrize("html", [False, True], ids=["text", "html"])
def test_nothing_outside_the_sandbox_can_be_reached(template, html):
    with pytest.raises((TemplateRefused, Unfillable)):
        fill(template, html=html)


BOMBS = [
    "{% for i in range(999999999) %}x{% endfor %}",
    "{{ 'x' * 999999999 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{% for a in event.many %}{% for b in event.many %}{{ b }}{% endfor %}{% endfor %}",
    "{% for a in event.many %}{% for b in event.many %}{% endfor %}{% endfor %}",
    "{% for a in event.many %}{% for b in event.many %}{% for c in event.many %}{% endfor %}{% endfor %}{% endfor %}",
    "{{ event.many | join(profile.long) }}",
    "{{ profile.long | replace('x', profile.long) }}",
    "{{ profile.long" + " | urlencode | replace('x', '%%%%%%%%%%')" * 30 + " }}",
    "{% set a = profile.long %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
    "{% set a = profile.long %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
    "{% set a = 9 %}" + "{% set a = a * a %}" * 40 + "{{ a }}",
    "{{ 'x' | center(999999999) }}",
    "{{ '%999999999d' | format(1) }}",
    "{{ 1.5 | round(999999999, 'ceil') }}",
    "{{ profile.long }}",
    "{{ profile | tojson(999999999) }}",
    "{% for a in event.many[:100] %}{% for b in event.many[:99] %}{{ event.many | sum }}{% endfor %}{% endfor %}",
    "{% for a in event.many %}" + "{% if a == 1 %}{% endif %}" * 2_000 + "{% endfor %}",
    "{% set a = event.many | sort | sum %}" * 1_500,
    "{{ " + "(" * 9_000 + "1" + ")" * 9_000 + " }}",
    "{{ 1" + "0" * 9_000 + " }}",
    "{% if 1 %}" * 3_000 + "{% endif %}" * 3_000,
    "x" * 64_001,
]


@pytest.mark.parametrize("template", BOMBS, ids=[each[:40] for each in BOMBS])
def test_no_template_takes_long_or_grows_large(template):
    began = time.process_time()

    with pytest.raises((TemplateRefused, Unfillable)):
        fill(template, longest=20_000)

    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("template", "line", "says"),
    [
        ("a\n{{ profile.nick }}", 2, "nick is not known; say what to write then: | default('…')"),
        ("\n\n{{ profile.nick + 1 }}", 3, "nick is not known; say what to write then: | default('…')"),
        ("{{ 1 / 0 }}", 1, "cannot be computed: ZeroDivisionError"),
        ("{{ profile.name < 1 }}", 1, "cannot be computed: TypeError"),
        ("{% for a in profile.name %}{% endfor %}", 1, "for goes through lists only"),
    ],
)
def test_what_cannot_be_filled_in_is_told_with_its_line_and_nothing_about_the_person(template, line, says):
    with pytest.raises(Unfillable) as refused:
        fill(template)

    assert (refused.value.line, refused.value.says) == (line, says)


@pytest.mark.parametrize(
    ("template", "line", "says"),
    [
        ("a\n{{ profil.name }}", 2, "nothing is called profil; did you mean profile?"),
        ("{{ x }}", 1, "nothing is called x; it can be one of cart, event, profile"),
        ("\n{{ profile.name | uper }}", 2, "no filter is called uper; did you mean upper?"),
        ("{% if score %}\n{{ score | int }}{% endif %}", 2, "no filter is called int"),
        ("{% if score %}{% if score is odds %}{% endif %}{% endif %}", 1, "no test is called odds; did you mean odd?"),
        ("{{ score if score else score | xml }}", 1, "no filter is called xml"),
        ("a\nb\n{% endfor %}", 3, "Encountered unknown tag 'endfor'."),
        ("{{ profile.name", 1, "unexpected end of template, expected 'end of print statement'."),
        ("{{ 'a' ~ 'b' }}", 1, "~ is not available: write {{ a }}{{ b }}"),
    ],
)
def test_a_malformed_template_is_refused_with_its_line(template, line, says):
    with pytest.raises(TemplateRefused) as refused:
        compiled(template, html=False, known=KNOWN)

    assert (refused.value.line, refused.value.says) == (line, says)


def test_a_template_tells_what_it_looks_at():
    assert compiled("{{ cart.items }}{% set x = 1 %}{{ x }}", html=False, known=KNOWN).names == {"cart"}


pieces = st.sampled_from(
    ["{{", "}}", "{%", "%}", "if ", "for ", "in ", "set ", "profile", ".", "__class__", "[", "]", "(", ")", "|", "'",
     "x", "1", "+", "*", " ", "\n", "endif", "endfor", "join", "map", "attribute=", ",", "{#", "~", "cart.items"]
)  # fmt: skip


@given(st.lists(pieces, max_size=30).map("".join))
def test_whatever_a_template_holds_it_is_filled_in_or_refused_with_a_line(template):
    refused = None
    try:
        assert isinstance(fill(template), str)
    except (TemplateRefused, Unfillable) as error:
        refused = error

    assert refused is None or refused.line >= 1
