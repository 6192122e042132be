import numpy as np

from tabulae.evaluation import Tapped


class Sequence:
    """Records what is asked of it."""

    def __init__(self) -> None:
        self.taps: dict[str, object] = {}

    def tap(self, linear: str, tap: object) -> None:
        self.taps[linear] = tap

    def feed(self, tokens: list[int], wanted: int) -> np.ndarray:
        return np.float32([[len(tokens), wanted, len(self.taps)]])


class Model:
    program = None

    def session(self) -> Sequence:
        return Sequence()


def test_every_sequence_is_a_new_one_with_all_taps() -> None:
    tapped = Tapped(Model(), {"a": lambda x: None, "b": lambda x: None})  # type: ignore[arg-type]
    for _ in range(2):
        assert tapped.logits([7, 8, 9], first=2).tolist() == [[3, 2, 2]]
