"""Families that have a file in ``tests/fixtures/families``: the logits of transformers, GGUF, and what is refused.

Such a file holds ``CONFIG``, whose logits are committed, ``OPTIONS`` that transformers runs beside it, changes that are
``REFUSED``, perhaps others that mean the ``SAME``, and where GGUF knows the family ``GGUF`` (its name), ``KEYS`` and
``habit`` of its converter, and ``SAID``, changes without which a GGUF could not mean the same.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from saved_model import difference, expected, longest, saved
from tiny_families import FAMILIES
from tiny_gguf import converted
from tiny_models import TOKENS, FakeSource, load
from tiny_tables import bound, encoded, float_model

from tabulae.errors import ModelError
from tabulae.program import architectures
from tabulae.program.interpreter import Interpreter
from tabulae.runtime.engine import Engine
from tabulae.runtime.session import Session

OPTIONS = [(name, change) for name, family in FAMILIES.items() for change in ({}, *family.OPTIONS)]
SAME = [(name, change) for name, family in FAMILIES.items() for change in getattr(family, "SAME", ())]
REFUSED = [(name, *pair) for name, family in FAMILIES.items() for pair in family.REFUSED]


def changed(name: str, change: dict[str, Any]) -> FakeSource:
    source, _ = load(name)
    return FakeSource("huggingface", {**source.metadata, **change}, source.tensors)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_committed_logits_are_reached(name: str) -> None:
    source, expected = load(name)
    architecture = architectures.find(source)
    config = architecture.config(source)
    weights = {key: origin.read(source) for key, origin in architecture.tensors(source, config).items()}
    logits = Interpreter(architecture.program(config), weights).logits(TOKENS, wanted="all")
    np.testing.assert_allclose(logits[-2:], expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_native_core_gives_the_bits_of_the_interpreter(name: str) -> None:
    program, weights = float_model(name)
    for given in (weights, encoded(weights, "normal:4/g64/signmax")):
        expected = Interpreter(program, given).logits(TOKENS, wanted="all")
        session = Session(Engine(bound(program, given), threads=2), 64)
        assert session.feed(TOKENS, wanted=0).tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if hasattr(family, "GGUF")])
def test_gguf_and_hugging_face_agree(name: str) -> None:
    family = FAMILIES[name]
    ours = changed(name, getattr(family, "SAID", {}))
    theirs = converted(ours, family.GGUF, getattr(family, "habit", None), getattr(family, "KEYS", None))
    architecture = architectures.find(theirs)
    config, other = architectures.find(ours).config(ours), architecture.config(theirs)
    assert architecture.program(other) == architectures.find(ours).program(config)
    canonical, read = architectures.find(ours).tensors(ours, config), architecture.tensors(theirs, other)
    for key in canonical:
        np.testing.assert_array_equal(read[key].read(theirs), canonical[key].read(ours))


@pytest.mark.parametrize(("name", "change"), [pytest.param(*case, id=str(case)) for case in SAME])
def test_spellings_that_mean_the_same(name: str, change: dict[str, Any]) -> None:
    same, plain = changed(name, change), changed(name, {})
    architecture = architectures.find(same)
    assert architecture.program(architecture.config(same)) == architecture.program(architecture.config(plain))


@pytest.mark.parametrize(("name", "change", "message"), [pytest.param(*case, id=str(case)) for case in REFUSED])
def test_configurations_that_cannot_be_run(name: str, change: dict[str, Any], message: str) -> None:
    source = changed(name, change)
    architecture = architectures.find(source)
    with pytest.raises(ModelError, match=message):
        architecture.tensors(source, architecture.config(source))


@pytest.mark.live
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "change"), [pytest.param(*case, id=str(case)) for case in OPTIONS])
def test_the_logits_of_transformers(name: str, change: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    config = FAMILIES[name].CONFIG
    context = {"max_position_embeddings": 128} if "max_position_embeddings" in config else {}
    options = {**config, **context, **change}
    model = saved(tmp_path, options)
    assert difference(tmp_path, expected(model), context=longest(options)) < 1e-5
