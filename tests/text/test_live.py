"""Live comparisons with transformers and sentencepiece, where they are installed: 1,000 lines of wikitext."""

from pathlib import Path

import numpy as np
import pytest

from tabulae.sources import open_source
from tabulae.text.sampling import Sampler
from tabulae.text.tokenizer import Tokenizer

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def transformers():
    return pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def reference(transformers, smollm2_path):
    return transformers.AutoTokenizer.from_pretrained(smollm2_path.parent, gguf_file=smollm2_path.name)


def agree(ours, theirs, lines):
    for line in lines:
        expected = theirs(line, add_special_tokens=False).input_ids
        assert ours.encode(line, bos=False) == expected
        assert ours.decode(expected) == theirs.decode(expected)


def test_smollm2_on_wikitext(smollm2, reference, wikitext):
    agree(smollm2, reference, wikitext)
    agree(smollm2, reference, ["\n".join(wikitext)])


def test_smollm2_splits_digits_where_transformers_conversion_does_not(smollm2, reference, fixture):
    """The published tokenizer splits digits off first; transformers' reading of GGUF files drops that step.

    It shows only where several spaces stand before a digit: the vocabulary has no token of a space and a digit.
    """
    pre_tokenizers = pytest.importorskip("tokenizers").pre_tokenizers
    assert smollm2.encode("a  12") != reference("a  12").input_ids
    converted = reference.backend_tokenizer.pre_tokenizer
    digits = pre_tokenizers.Digits(individual_digits=True)
    reference.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, converted])
    try:
        agree(smollm2, reference, ["a  12", *fixture("smollm2")["lines"]])
    finally:
        reference.backend_tokenizer.pre_tokenizer = converted


@pytest.mark.parametrize("prompt", [True, False])
@pytest.mark.parametrize("system", [[], [{"role": "system", "content": "Be brief."}]])
def test_chat_of_smollm2(smollm2, reference, prompt, system):
    messages = [
        *system,
        {"role": "user", "content": " What's 1 < 2?\n"},
        {"role": "assistant", "content": "True."},
        {"role": "user", "content": "é"},
    ]
    ours = smollm2.chat(messages, add_generation_prompt=prompt)
    assert ours == reference.apply_chat_template(messages, add_generation_prompt=prompt, tokenize=False)
    ids = reference.apply_chat_template(messages, add_generation_prompt=prompt, return_dict=True)["input_ids"]
    assert smollm2.encode(ours, bos=False) == ids


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}\n  {%- if m['role'] == 'user' %}[{{ m['content'] | trim }}]{% endif %}\n{% endfor %}",
        "{{ bos_token }}{%set s = namespace(n=0) %}{% for m in messages %}{% set s.n = s.n + 1 %}{% endfor %}{{ s.n }}",
        "{{ messages | tojson(indent=2) }}{{ '<' | tojson }}{% if tools is none %}no tools{% endif %}",
        "{% for m in messages %}{% if loop.last %}{% continue %}{% endif %}{{ m.content }}{{ eos_token }}{% endfor %}",
        "{% macro f(x) -%}  <{{ x }}>  {%- endmacro %}{{ f(messages[0].content) }}{% generation %}g{% endgeneration %}",
    ],
)
def test_other_templates(smollm2, reference, template):
    messages = [{"role": "user", "content": " <a> "}, {"role": "assistant", "content": "b"}]
    data = smollm2.data
    ours = Tokenizer(type(data)(json=data.json, special=data.special, chat_template=template)).chat(messages)
    theirs = reference.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=True)
    assert ours == theirs


@pytest.fixture(scope="module")
def stories(data_folder):
    sentencepiece = pytest.importorskip("sentencepiece")
    path = data_folder / "stories260K" / "tok512.model"
    if not path.is_file():
        pytest.skip(f"{path} is absent (TABULAE_DATA names the folder)")
    return sentencepiece.SentencePieceProcessor(model_file=str(path))


@pytest.fixture(scope="module")
def stories_gguf(stories, tmp_path_factory) -> Path:
    """A GGUF file with the vocabulary of stories260K, written as llama.cpp's converter does."""
    import gguf

    path = tmp_path_factory.mktemp("stories") / "stories.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    ids = range(stories.get_piece_size())
    writer.add_tokenizer_model("llama")
    writer.add_token_list([stories.id_to_piece(id) for id in ids])
    writer.add_token_scores([stories.get_score(id) for id in ids])
    kinds = ((2, stories.is_unknown), (3, stories.is_control), (6, stories.is_byte))
    writer.add_token_types([next((kind for kind, test in kinds if test(id)), 1) for id in ids])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_block_count(1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def stories_tokenizer(stories_gguf):
    with open_source(stories_gguf) as source:
        return Tokenizer(source.vocabulary())


def test_a_sentencepiece_vocabulary_on_wikitext(stories_gguf, stories_tokenizer, transformers, wikitext):
    theirs = transformers.AutoTokenizer.from_pretrained(stories_gguf.parent, gguf_file=stories_gguf.name)
    agree(stories_tokenizer, theirs, wikitext)
    assert stories_tokenizer.encode("a") == theirs("a").input_ids


def test_a_sentencepiece_vocabulary_equals_the_original(stories, stories_tokenizer, wikitext):
    """Lines without the spaces at both ends: this vocabulary's original removes them, Llama's doubles the first."""
    for line in (line.strip(" ") for line in wikitext):
        expected = stories.encode(line)
        assert stories_tokenizer.encode(line, bos=False) == expected
        assert stories_tokenizer.decode(expected) == stories.decode(expected)


@pytest.mark.parametrize("make", ["GPT2Tokenizer", "Qwen2Tokenizer", "LlamaTokenizer"])
def test_a_saved_folder(make, transformers, fixture, tmp_path):
    """What ``save_pretrained`` writes is read with the same ids, flags and template."""
    from safetensors.numpy import save_file

    content = fixture("llama" if make == "LlamaTokenizer" else "byte_level")
    vocab = {token: id for id, token in enumerate(content["tokens"])}
    merges = [tuple(pair) for pair in content.get("merges", [])]
    theirs = getattr(transformers, make)(vocab, merges, add_bos_token=make == "LlamaTokenizer")
    theirs.chat_template = "{{ messages[0].content }}{{ eos_token }}"
    theirs.save_pretrained(tmp_path)
    save_file({"w": np.zeros(1, dtype=np.float32)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with open_source(tmp_path) as source:
        ours = Tokenizer(source.vocabulary())
    agree(ours, theirs, content["lines"])
    assert ours.encode("table") == theirs("table").input_ids
    assert ours.data.eos == (theirs.eos_token_id,)
    messages = [{"role": "user", "content": "x"}]
    assert ours.chat(messages) == theirs.apply_chat_template(messages, tokenize=False)


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 0.7},
        {"top_k": 5},
        {"top_p": 0.6},
        {"min_p": 0.2},
        {"temperature": 1.5, "top_k": 20, "top_p": 0.9, "min_p": 0.05, "repetition_penalty": 1.3},
    ],
)
def test_sampling_probabilities(options, transformers):
    """Every token is drawn with the probability that transformers' processors leave it."""
    torch = pytest.importorskip("torch")
    from transformers.generation import logits_process as processors

    logits = np.random.default_rng(2).normal(size=50).astype(np.float32) * 2
    history = [3, 3, 7, 11]
    order = ["repetition_penalty", "temperature", "top_k", "top_p", "min_p"]
    names = ["RepetitionPenaltyLogitsProcessor", "TemperatureLogitsWarper", "TopKLogitsWarper", "TopPLogitsWarper"]
    scores = torch.tensor(logits, dtype=torch.float64)[None]
    for option, name in zip(order, [*names, "MinPLogitsWarper"], strict=True):
        if option in options:
            scores = getattr(processors, name)(options[option])(torch.tensor([history]), scores)
    expected = torch.softmax(scores, -1)[0].numpy()
    sampler = Sampler(**{"temperature": 1.0, **options})

    class Even:
        """Random numbers spread evenly over 0..1."""

        drawn = iter((np.arange(20000) + 0.5) / 20000)

        def random(self):
            return next(self.drawn)

    sampler._random = Even()
    seen = np.bincount([sampler.choose(logits, history) for _ in range(20000)], minlength=50) / 20000
    assert np.abs(seen - expected).max() <= 1 / 20000


TOOLS = [{"type": "function", "function": {"name": "f<é>", "parameters": {"properties": {"b": 1, "a": None}}}}]
TEMPLATES = [
    "{% for t in tools %}{{ t | tojson }}{{ t | tojson(indent=2, sort_keys=true) }}{% endfor %}",
    "{{ messages | tojson(separators=(',', ':'), ensure_ascii=true) }}",
    "{% for m in messages %}\n  {% if m.role == 'user' %}\n {{- m.content }}\n  {% break %}{% endif %}\n{% endfor %}\n",
    "{% set n = namespace(x=0) %}{% for m in messages %}{% set n.x = n.x + 1 %}{% endfor %}{{ n.x }}{{ m is defined }}",
    "{% generation %}{{ messages[-1]['content'] }}{% endgeneration %}{{ messages[0].name }}",
    "{{ strftime_now('%Q%%-%Y') }}{{ documents is none }}{{ add_generation_prompt }}{{ bos_token }}",
    "{% for k, v in messages[0].items() %}{{ k }}={{ v | trim }};{% endfor %}",
    "{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f(1) }}{{ messages[::-1][0].role }}",
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_chat_templates_render_as_in_transformers(transformers, template):
    from transformers.utils.chat_template_utils import render_jinja_template

    from tabulae.text.chat import render

    messages = [{"role": "system", "content": " <b> "}, {"role": "user", "content": "zoë\n"}]
    more = {"add_generation_prompt": True, "bos_token": "<s>"}
    theirs = render_jinja_template([messages], tools=TOOLS, chat_template=template, **more)[0][0]
    assert render(template, messages, tools=TOOLS, documents=None, **more) == theirs
