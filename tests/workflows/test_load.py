"""Loading: text comes out, closed means closed, and a bad file is refused."""

import msgspec
import numpy as np
import pytest

import tabulae
from tabulae.artifact.reader import open_table_model
from tabulae.errors import FileError, ModelError, TableModelError, UsageError
from tabulae.workflows.load import from_file


def test_generation_is_frozen(tiny_tab):
    """Golden: the tokens that a seeded model says, on every machine."""
    with tabulae.load(tiny_tab) as lm:
        out = lm.generate("the inn", max_tokens=12)
    assert out.tokens == (255, 255, 255, 217, 227, 29, 207, 117, 66, 172, 197, 156) and out.stopped == "max tokens"


def test_streaming_gives_the_text(tiny_tab):
    pieces = []
    with tabulae.load(tiny_tab) as lm:
        out = lm.generate("another", max_tokens=30, stream=pieces.append, sampler=tabulae.Sampler(1.5, seed=3))
        again = lm.generate("another", max_tokens=30, sampler=tabulae.Sampler(1.5, seed=3))
    assert "".join(pieces) == out.text == again.text == str(out)


def test_it_stops_at_the_context_and_says_so(tiny_tab):
    with tabulae.load(tiny_tab, context=10) as lm:
        out = lm.generate([5, 6, 7], max_tokens=50, sampler=tabulae.Sampler(2.0, seed=1))
    assert out.stopped in ("context", "end of text") and len(out.tokens) <= 8


def test_it_stops_at_the_end_of_text(tiny_tab):
    class Script:
        def __init__(self, ids):
            self.ids = iter(ids)

        def choose(self, logits, history):
            return next(self.ids)

    with tabulae.load(tiny_tab) as lm:
        out = lm.generate("a", sampler=Script([70, 71, 1, 72]))
    assert (out.tokens, out.stopped) == ((70, 71), "end of text")


@pytest.mark.parametrize(("prompt", "text"), [("", "at least one token"), ("a" * 200, "shorter than the room")])
def test_prompts_that_cannot_be(tiny_tab, prompt, text):
    with tabulae.load(tiny_tab) as lm, pytest.raises(UsageError, match=text):
        lm.generate(prompt)


def test_a_context_beyond_the_training(tiny_tab):
    with pytest.raises(UsageError, match=r"1\.\.64"):
        tabulae.load(tiny_tab, context=65)


def test_a_closed_model(tiny_tab):
    lm = tabulae.load(tiny_tab)
    lm.close()
    lm.close()
    with pytest.raises(UsageError, match="open"):
        lm.logits([1])


def test_an_interrupt_leaves_the_model_usable(tiny_tab):
    def stop(piece):
        raise KeyboardInterrupt

    with tabulae.load(tiny_tab, threads=2) as lm:
        before = lm.logits([3, 4, 5])
        with pytest.raises(KeyboardInterrupt):
            lm.generate("the", stream=stop, sampler=tabulae.Sampler(1.0))
        np.testing.assert_array_equal(lm.logits([3, 4, 5]), before)


def test_decoded_weights_run_as_floats(tiny_tab):
    with open_table_model(tiny_tab) as file, from_file(file, decoded=True) as exact, tabulae.load(tiny_tab) as lm:
        a, b = exact.logits([3, 4, 5]), lm.logits([3, 4, 5])
    assert 0 < np.abs(a - b).max() < 0.1 * np.abs(a).max()  # only the activation codes lie between them


def test_missing_and_other_files(tmp_path, tiny_folder):
    with pytest.raises(FileError, match="readable"):
        tabulae.load(tmp_path / "none.tab")
    with pytest.raises(TableModelError):
        tabulae.load(tiny_folder / "model.safetensors")
    with pytest.raises(FileError, match="it must be readable"):
        tabulae.open(tmp_path / "none.gguf")
    (tmp_path / "x.gguf").write_bytes(b"not a model")
    with pytest.raises(ModelError):
        tabulae.open(tmp_path / "x.gguf")
    with pytest.raises(UsageError, match="trained model"):
        tabulae.open(tmp_path / "x.tab")


def test_a_program_that_does_not_fit_its_weights(tiny_tab):
    with open_table_model(tiny_tab) as file:
        program = msgspec.json.decode(file.document.program)
        program["values"]["h"]["shape"][1] = 65
        file.document = msgspec.structs.replace(file.document, program=msgspec.Raw(msgspec.json.encode(program)))
        with pytest.raises(ModelError):
            from_file(file)
        program["values"]["h"]["shape"][1] = 64
        for change in ({"softcap": 30.0}, {"context": 0}, {"values": {"x": {"shape": [2**70]}}}):
            changed = msgspec.json.encode({**program, **change})
            file.document = msgspec.structs.replace(file.document, program=msgspec.Raw(changed))
            with pytest.raises(TableModelError, match="schema"):
                from_file(file)
        file.document = msgspec.structs.replace(file.document, program=msgspec.Raw(b'{"operations": 3}'))
        with pytest.raises(TableModelError, match="schema"):
            from_file(file)


def test_a_session_remembers_for_the_repetition_penalty(tiny_tab):
    """A prompt in two calls goes on as it does in one."""
    with tabulae.load(tiny_tab) as lm:
        ids = lm.tokenizer.encode("the inn on the hill")
        whole = lm.generate(ids, max_tokens=8, sampler=tabulae.Sampler(repetition_penalty=1.5))
        session = lm.session()
        session.feed(ids[:-2])
        again = lm.generate(ids[-2:], max_tokens=8, sampler=tabulae.Sampler(repetition_penalty=1.5), session=session)
    assert whole.tokens == again.tokens


def test_a_stream_is_the_text_piece_by_piece(tiny_tab):
    with tabulae.load(tiny_tab, context=32) as lm:
        whole = lm.generate("another", max_tokens=12)
        pieces = list(lm.stream("another", max_tokens=12, logprobs=True))
    assert "".join(piece.text for piece in pieces) == whole.text
    assert tuple(piece.token for piece in pieces[:-1]) == whole.tokens and pieces[-1].token is None
    assert [piece.stopped for piece in pieces] == [None] * 12 + ["max tokens"]
    assert all(-20 < piece.logprob < 0 for piece in pieces[:-1])


def test_whoever_stops_asking_has_cancelled(tiny_tab):
    with tabulae.load(tiny_tab, context=32) as lm:
        session = lm.session()
        stream = lm.stream([5, 6, 7], max_tokens=12, session=session)
        first = next(stream)
        stream.close()
        assert session.tokens == [5, 6, 7]  # what was chosen last was not fed
        assert next(lm.stream([first.token], max_tokens=1, session=session)).token == lm.generate([5, 6, 7]).tokens[1]


def test_a_stop_string_ends_the_text(tiny_tab):
    with tabulae.load(tiny_tab, context=32) as lm:
        whole = lm.generate("another", max_tokens=12)
        stop = whole.text[3:5]
        out = lm.generate("another", max_tokens=12, stop=["no such text", stop])
        assert (out.text, out.stopped) == (whole.text[: whole.text.index(stop)], "stop")
        assert out.tokens == whole.tokens[: len(out.tokens)] and out.logprobs is None


def test_log_probabilities_are_of_the_model(tiny_tab):
    with tabulae.load(tiny_tab, context=32) as lm:
        out = lm.generate([5, 6, 7], max_tokens=4, sampler=tabulae.Sampler(temperature=2.0, seed=1), logprobs=True)
        logits = lm.logits([5, 6, 7, *out.tokens], first=2)[:-1].astype(np.float64)
    expected = [x[token] - np.log(np.exp(x).sum()) for x, token in zip(logits, out.tokens, strict=True)]
    np.testing.assert_allclose(out.logprobs, expected, rtol=1e-6)
