"""Chat templates: what they may use, what the sandbox refuses, whose fault an error is."""

import datetime
import math

import pytest

from tabulae.errors import ModelError, UsageError
from tabulae.text.chat import render

USER = [{"role": "user", "content": "a < b"}]


def test_blocks_are_trimmed_as_templates_expect():
    assert (
        render("{% for m in messages %}\n  {% if true %}\n{{ m.content }}\n  {% endif %}\n{% endfor %}", USER)
        == "a < b\n"
    )


def test_variables_reach_the_template():
    template = "{{ bos_token }}{% if add_generation_prompt %}>{% endif %}{{ thinking }}"
    assert render(template, USER, bos_token="<s>", add_generation_prompt=True, thinking=False) == "<s>>False"


def test_tojson_does_not_escape_html():
    assert render("{{ messages[0] | tojson }}", USER) == '{"role": "user", "content": "a < b"}'
    assert render("{{ {'b': 1, 'a': 'é'} | tojson(indent=1, sort_keys=true) }}", USER) == '{\n "a": "é",\n "b": 1\n}'


def test_loop_controls_generation_blocks_and_dates():
    assert render("{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", USER) == "01"
    assert render("{% generation %}{{ messages[0].content }}{% endgeneration %}", USER) == "a < b"
    assert render("{{ strftime_now('%Y') | length }}", USER) == "4"


def test_a_template_rejects_messages():
    with pytest.raises(UsageError, match="such as the model's chat template takes, but got roles must alternate"):
        render("{{ raise_exception('roles must alternate') }}", USER)


@pytest.mark.parametrize(
    "template",
    [
        "{% for %}",
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.append(1) }}",
        "{{ (1).x.y }}",
        "{{ 1 / 0 }}",
        "{{ 1 + 'a' }}",
        "{{ range(10000000) | list }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% include 'secrets' %}",
    ],
)
def test_a_template_that_fails(template):
    with pytest.raises(ModelError, match="chat template must run in the sandbox"):
        render(template, USER)


@pytest.mark.parametrize(
    ("template", "limit"),
    [
        ("{{ 'a' * 10 ** 11 }}", "512 MB of memory"),
        ("{{ '%99999999999d' % 1 }}", "512 MB of memory"),
        ("{{ 3 ** (10 ** 8) }}", "2 s of computing"),
        ("{{ 'ab' * 600000 }}", "1,200,000 bytes of output, more than 1,048,576"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "recursion"),
    ],
)
def test_a_template_without_measure_is_ended(template, limit):
    """By the kernel, whatever it is in the middle of; the next template gets a new process."""
    with pytest.raises(ModelError, match=limit) as error:
        render(template, USER)
    assert len(str(error.value)) < 200
    assert render("{{ messages[0].content }}", USER) == "a < b"


def test_a_message_of_a_template_is_one_line():
    with pytest.raises(UsageError) as error:
        render("{{ raise_exception('no\n' * 10 ** 6) }}", USER)
    assert "no no no" in str(error.value) and len(str(error.value)) < 500 and "\n" not in str(error.value)


LOOP: list[object] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (math.nan, "thing,"),
        ({"a": [1, {2}]}, r"thing\.a\[1\], which is set"),
        ({"a": {1: 2}}, r"thing\.a, which is dict"),
        (datetime.date(2026, 1, 1), "thing, which is date"),
        (10**5000, "thing, which is int"),
        (LOOP, "lists within themselves"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_json_is_named(value, name):
    with pytest.raises(UsageError, match=name):
        render("", USER, thing=value)


def test_json_arrives_as_it_was_sent():
    given = {"none": None, "list": [1, True, -0.5, "é\ud800\n"], "dict": {"z": (1, 2), "a": 2**70}}
    want = "{'none': None, 'list': [1, True, -0.5, 'é\\ud800\\n'], 'dict': {'z': [1, 2], 'a': 1180591620717411303424}}"
    assert render("{{ given }}", USER, given=given) == want


@pytest.mark.parametrize("messages", ["hello", [1], {"role": "user"}, [{"content": "no role"}], [{"role": 1}], 1])
def test_messages_must_be_messages(messages):
    with pytest.raises(UsageError, match="'role'"):
        render("", messages)


def test_the_callers_messages_are_not_changed():
    messages = [{"role": "user", "content": "x"}]
    render("{% for m in messages %}{% set _ = m %}{% endfor %}", messages)
    assert messages == [{"role": "user", "content": "x"}]
