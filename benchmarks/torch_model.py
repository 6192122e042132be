"""A float model in torch, for benchmarks that run many: on a CPU without AVX-512 several times as fast as the executor,
whose logits it has to about 1e-5. Needs torch (pip install 'tabulae[fisher]').
"""

import importlib.util
from collections.abc import Mapping, Sequence

import numpy as np

from inputs import skip
from tabulae.evaluation import Windows
from tabulae.program.graph import Decoder
from tabulae.program.torch_twin import Twin


class TorchModel:
    """Whole sequences at once."""

    def __init__(self, program: Decoder, weights: Mapping[str, np.ndarray], threads: int) -> None:
        if importlib.util.find_spec("torch") is None:
            skip("needs torch: pip install 'tabulae[fisher]'")
        import torch

        torch.set_num_threads(threads)
        self._twin = Twin(program, {name: w if w.flags.writeable else w.copy() for name, w in weights.items()})
        self._linears = set(program.linears())

    def __enter__(self) -> "TorchModel":
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to close."""

    def logits(self, tokens: Sequence[int], first: int = 0) -> np.ndarray:
        """Logits [n - first, vocabulary], float32."""
        return self._run(tokens, first, lambda name, x, y: None)

    def importance(self, windows: Windows) -> dict[str, np.ndarray]:
        """Mean x^2 of every linear's input, float32 [cols], over all windows."""
        sums: dict[str, list[np.ndarray]] = {}

        def watch(name, x, y):
            if name in self._linears and x.dim() == 3:  # not an embedding of the same table, which sees token ids
                sums.setdefault(name, []).append(x[0].square().mean(0).double().numpy())

        for window in range(len(windows)):
            self._run(windows.inputs(window), windows.first, watch)
        return {name: np.mean(found, axis=0).astype(np.float32) for name, found in sums.items()}

    def _run(self, tokens, first, watch) -> np.ndarray:
        import torch

        with torch.no_grad():
            return self._twin.logits(torch.tensor([list(tokens)]), first, watch)[0].numpy()
