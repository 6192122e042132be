"""What a table model lost against its trained model: weights alone, and complete, on one text."""

from collections.abc import Collection
from pathlib import Path

from tabulae.artifact.reader import open_table_model
from tabulae.errors import UsageError
from tabulae.evaluation import Candidate, Quality, cut_text, evaluate_all
from tabulae.evaluation.windows import FIRST, LENGTH
from tabulae.program.graph import Decoder
from tabulae.progress import Progress, silent
from tabulae.runtime.language_model import Options
from tabulae.study.study import read_text
from tabulae.workflows.load import from_file
from tabulae.workflows.open_tab import program_of
from tabulae.workflows.trained import open_trained


def compare(
    model: str | Path,
    against: str | Path,
    text: str | Path,
    *,
    windows: int = 40,
    threads: int | None = None,
    ignore_keys: Collection[str] = (),
    progress: Progress = silent,
) -> list[Quality]:
    """KL, agreement and perplexity on windows of 512 tokens (of a half, where the model's context is shorter).

    ``ignore_keys``: of the trained model ``against``, as of :func:`tabulae.open`.

    :raises FileError: a file is missing
    :raises UsageError: a text shorter than a window, or a trained model with another vocabulary
    """
    words = read_text(Path(text))
    with open_table_model(model) as file, open_trained(against, ignore_keys=ignore_keys) as trained:
        length = min(LENGTH, trained.program.context)
        _check_vocabulary(trained.program, program_of(file))
        options: Options = {"threads": threads, "context": length}
        reference = trained.load(**options)
        cut = cut_text(words, reference.tokenizer, count=windows, length=length, first=min(FIRST, length // 2))
        candidates = {
            "weights alone": Candidate(from_file(file, decoded=True, **options), "weights alone"),
            "complete": Candidate(from_file(file, **options), "complete"),
        }
        return list(evaluate_all(candidates, reference, cut, against=str(against), progress=progress).values())


def _check_vocabulary(reference: Decoder, candidate: Decoder) -> None:
    if reference.vocabulary != candidate.vocabulary:
        must = f"the trained model must have the table model's vocabulary, {candidate.vocabulary} tokens"
        raise UsageError("against", must, reference.vocabulary)
