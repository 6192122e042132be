import numpy as np
import pytest
from tiny_models import CONFIGS, TOKENS
from tiny_tables import WAYS, bound

from tabulae.calibration import Draft, column_scales, sort_hidden, split_rows
from tabulae.calibration.sort_hidden import hidden_layers
from tabulae.calibration.split_rows import token_bands, whole_name
from tabulae.formats import encode, parse
from tabulae.formats.input_statistics import of_squares
from tabulae.program.interpreter import Interpreter
from tabulae.program.torch_twin import Twin
from tabulae.runtime.engine import Engine
from tabulae.runtime.session import Session

SMALL = 1 << 10  # weights of a band
FORMS = ("int:8/row/absmax", "normal:4/g64/search", "grid:3/row/rms", "lloyd:5/g32/search")


@pytest.mark.parametrize("name", CONFIGS)
def test_bands_change_no_bit(name, tiny, logits) -> None:
    whole = Draft.of(tiny(name))
    draft = split_rows(whole, least=SMALL, group=4)
    draft.program.check()
    assert len(draft.names) > len(whole.names) + 4
    np.testing.assert_array_equal(logits(draft), logits(whole))


@pytest.mark.parametrize("name", CONFIGS)
def test_bands_of_many_formats_give_the_bits_of_the_reference(name, tiny) -> None:
    draft = split_rows(Draft.of(tiny(name)), least=SMALL, group=4)
    names = draft.program.tables()
    weights = {key: draft.tensors[key] for key in draft.names}
    weights |= {key: encode(parse(FORMS[i % 4]), weights[key]).matrix for i, key in enumerate(names)}
    expected = Interpreter(draft.program, weights).logits(TOKENS, wanted="all")
    for isa, arithmetic, threads in WAYS:
        session = Session(Engine(bound(draft.program, weights), threads=threads, arithmetic=arithmetic, isa=isa), 64)
        np.testing.assert_array_equal(session.feed(TOKENS, wanted=0).view(np.uint32), expected.view(np.uint32))


@pytest.mark.live
@pytest.mark.parametrize("name", ["llama_biased", "gpt2", "gemma3"])
def test_bands_in_torch(name, tiny) -> None:
    torch = pytest.importorskip("torch")
    whole = Draft.of(tiny(name))
    importance = {
        one.weight: np.ones(layer.width, np.float32) for layer in hidden_layers(whole) for one in layer.readers
    }
    dealt = sort_hidden(Draft.of(tiny(name), of_squares(importance)), group=4)
    expected, found = (
        Twin(draft.program, dict(draft.tensors)).logits(torch.tensor([TOKENS]), 0).detach().numpy()
        for draft in (whole, split_rows(dealt, least=SMALL, group=4))
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_bands_hold_the_rows_they_name(tiny) -> None:
    model = tiny("llama")
    draft = split_rows(Draft.of(model), least=SMALL, group=4)
    for name in draft.names:
        whole = model.weights[whole_name(name)]
        rows = slice(None) if whole_name(name) == name else slice(*map(int, name[:-1].split("[")[1].split(":")))
        np.testing.assert_array_equal(draft.tensors[name], whole[rows])


def test_what_is_known_of_a_tensor_is_known_of_its_bands(tiny) -> None:
    model = tiny("llama")
    importance = {name: np.full(model.shape(name)[1], 2, np.float32) for name in model.program.linears()}
    draft = split_rows(column_scales(Draft.of(model, of_squares(importance)), "importance"), least=SMALL, group=4)
    linears = set(draft.program.linears())
    assert draft.importance.keys() == linears
    assert draft.scaled == linears  # a norm, an attention or a gate stands before every one


def test_bands_are_no_smaller_than_is_asked_for(tiny) -> None:
    model = tiny("llama")
    assert split_rows(Draft.of(model), least=1 << 20, group=4).names == Draft.of(model).names
    draft = split_rows(Draft.of(model), least=SMALL, group=4)
    banded = [draft.shape(name) for name in draft.names if "[" in name]
    assert len(banded) > 8 and all(rows * cols >= SMALL for rows, cols in banded)


def test_units_that_cannot_be_sorted_stay_together(tiny) -> None:
    names = split_rows(Draft.of(tiny("llama")), least=SMALL).names  # 172 units
    assert any("embed" in name and "[" in name for name in names)
    assert not any("mlp" in name and "[" in name for name in names)


def test_bands_of_tokens(tiny) -> None:
    tied, untied = (split_rows(Draft.of(tiny(name)), least=SMALL) for name in ("qwen2", "llama"))
    assert [{whole_name(one) for one in bands} for bands in token_bands(tied.program)] == [
        {"model.embed_tokens.weight"}
    ]
    assert len(token_bands(untied.program)) == 2
    assert token_bands(Draft.of(tiny("llama")).program) == []
