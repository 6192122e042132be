"""The logits of tiny models are those that were committed: on every ISA, by both arithmetics, on any threads."""

import json

import pytest
from make_logit_hashes import PATH, logits_hash, models
from tiny_models import CONFIGS
from tiny_tables import WAYS

EXPECTED = json.loads(PATH.read_text())


@pytest.mark.parametrize("name", CONFIGS)
def test_no_logit_has_changed(name):
    found = {form: {logits_hash(program, w, *way) for way in WAYS} for form, program, w in models(name)}
    assert found == {form: {digest} for form, digest in EXPECTED[name].items()}


def test_all_models_are_committed_and_no_two_are_alike():
    assert list(EXPECTED) == list(CONFIGS)
    digests = [digest for forms in EXPECTED.values() for digest in forms.values()]
    assert len(set(digests)) == len(digests)
