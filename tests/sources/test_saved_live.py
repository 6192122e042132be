"""A folder that transformers itself saved: opened, run, and equal to what it computes."""

import numpy as np
import pytest

import tabulae

pytestmark = pytest.mark.live


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma3_text"])
def test_a_saved_folder(kind, dtype, tmp_path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from make_logit_fixtures import CONFIGS

    name = {"gemma3_text": "gemma3"}.get(kind, kind)
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(**CONFIGS[name])
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    model.to(getattr(torch, dtype)).save_pretrained(tmp_path, max_shard_size="100KB")
    tokens = [3, 1, 4, 1, 5, 9, 2, 6]
    with torch.no_grad():
        expected = model.float()(torch.tensor([tokens])).logits[0].numpy()
    with tabulae.open(tmp_path) as trained, trained.load() as lm:
        np.testing.assert_allclose(lm.logits(tokens), expected, rtol=0, atol=1e-3)
