"""What must be known of a trained model before it is planned: importance of inputs, sensitivity of tensors.

Both come from running the float model over a little text, which takes its weights in float32 and about a minute per
hundred million of them. Where that is too much, sensitivities are estimated from the weights alone and no input counts
for more than another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum, hypot
from pathlib import Path
from typing import Final

import msgspec
import xxhash

from tabulae.calibration import Draft
from tabulae.calibration.prepared import prepared, tables_of
from tabulae.calibration.split_rows import token_bands
from tabulae.epoch import CODE
from tabulae.errors import UsageError
from tabulae.evaluation.windows import Windows
from tabulae.files import unreadable
from tabulae.formats import InputStatistics
from tabulae.planning.plan import Calibration, SensitivitySource
from tabulae.program.trained import Trained
from tabulae.progress import Progress, silent, within
from tabulae.runtime.binding import Binding
from tabulae.runtime.language_model import LanguageModel
from tabulae.study.inputs import measure_inputs
from tabulae.study.journal import Journal
from tabulae.study.measured import measured
from tabulae.study.sensitivity import Sensitivity, Source, read, write
from tabulae.study.split_text import SplitText

LARGE: Final = 1_000_000_000  # parameters: without a text, a larger model is not run
INPUTS: Final = 20  # windows over which importance is measured
SCORED: Final = {"count": 4, "length": 256, "first": 32}  # windows for sensitivities: half a run per tensor
# Each format on its share of the windows: in a few positions everything hangs on how one weight happens to be rounded
# (there an early layer decides about a massive activation), and another rounding is another draw.
FORMATS: Final = ("normal:4/g64/search", "lloyd:5/g64/search")
FLOOR: Final = 16  # a band of tokens counts for at least the mean over this


@dataclass(frozen=True, eq=False)
class Study:
    """What is known of a model; where nothing is known of inputs, every column counts alike."""

    sensitivity: Sensitivity
    inputs: Mapping[str, InputStatistics] = field(default_factory=dict)  # of linears
    calibration: Calibration | None = None  # the text behind them

    @property
    def source(self) -> SensitivitySource:
        """The sensitivities as a plan names them."""
        return SensitivitySource(
            source=self.sensitivity.source, hash=xxhash.xxh3_128_hexdigest(msgspec.json.encode(self.sensitivity))
        )


def study(
    model: Trained,
    text: str | None = None,
    *,
    by: Source | None = None,
    sensitivity: Path | None = None,
    bands: bool = True,
    threads: int = 1,
    progress: Progress = silent,
) -> Study:
    """Study a model on ``text``, or on the one that comes with tabulae.

    ``by``: where sensitivities come from; ``measured`` if nothing is said, for a model of more than a billion
    parameters without a text ``data-free``. ``sensitivity``: a file that has them, or gets them once they are known;
    what is measured until then is kept beside it. ``bands``: measure tables in bands of rows, where they have some.
    The windows that verification judges on are left out of the text.

    :raises UsageError: a text shorter than a window; a file of another model
    :raises FileError: the file cannot be read or written
    """
    known = _known(model, sensitivity, by, bands)
    usual: Source = "data-free" if text is None and model.parameters() > LARGE else "measured"
    by = by or (known.source if known else usual)
    if by == "data-free":
        from tabulae.study.data_free import data_free

        return Study(_kept(known or data_free(model), sensitivity))
    if by == "fisher" and known is None:
        from tabulae.program.torch_twin import need_torch

        need_torch()  # before the text is run for importance
    runner = _Runner(model, text, threads, progress)
    inputs, calibration = runner.inputs()
    if known is None:
        part = Path(f"{sensitivity}.part") if sensitivity and by == "measured" else None
        draft = prepared(model, inputs, bands=bands)
        passes = ",".join(draft.done)
        journal = Journal(part, f"{CODE}, {model.fingerprint}, {calibration.hash}, {passes}")
        found = runner.sensitivity(by, draft, journal)
        known = _kept(msgspec.structs.replace(found, values=at_least(found.values, draft)), sensitivity)
        journal.remove()
    return Study(known, inputs, calibration)


def inputs_behind(
    wanted: Calibration,
    model: Trained,
    text: str | None,
    *,
    threads: int = 1,
    progress: Progress = silent,
) -> Mapping[str, InputStatistics]:
    """The statistics of inputs behind a plan, measured again.

    :raises UsageError: another text than the plan's
    """
    inputs, calibration = _Runner(model, text, threads, progress).inputs(wanted.windows)
    if calibration != wanted:
        must = f"the text must be the plan's, windows {wanted.hash}"
        raise UsageError("calibration", must, calibration.hash, "give --calibration the text that plan had")
    return inputs


def read_text(path: Path) -> str:
    """The text of a file.

    :raises FileError: it cannot be read
    :raises UsageError: it is not UTF-8
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError as error:
        raise UsageError(str(path), "the text must be UTF-8", error.reason) from None


class _Runner:
    """The float model and a text."""

    def __init__(self, model: Trained, text: str | None, threads: int, progress: Progress) -> None:
        self._model, self._text, self._threads, self._progress = model, SplitText(model, text), threads, progress

    def inputs(self, count: int = INPUTS) -> tuple[Mapping[str, InputStatistics], Calibration]:
        windows = self._text.choosing(count)
        binding = Binding(self._model.program, dict(self._model.tensors()))
        with LanguageModel(binding, None, context=windows.length, threads=self._threads) as runs:
            found = measure_inputs(runs, windows, self._model.fingerprint, progress=self._progress)
        return found.values, Calibration(hash=windows.fingerprint, windows=len(windows))

    def sensitivity(self, by: Source, draft: Draft, journal: Journal) -> Sensitivity:
        windows, model, weights = self._text.choosing(**SCORED), self._model, dict(draft.tensors)
        progress = within(self._progress, "sensitivity")
        if by == "fisher":
            from tabulae.study.fisher import fisher

            return fisher(
                draft.program,
                weights,
                windows,
                model=model.fingerprint,
                inputs=draft.inputs,
                progress=progress,
            )
        return _mean(
            [
                measured(
                    draft.program,
                    weights,
                    Windows(windows.tokens[part :: len(FORMATS)], windows.first),
                    model=model.fingerprint,
                    inputs=draft.inputs,
                    form=form,
                    threads=self._threads,
                    journal=journal,
                    progress=progress,
                )
                for part, form in enumerate(FORMATS[: len(windows)])
            ],
            windows,
        )


def _mean(found: Sequence[Sensitivity], windows: Windows) -> Sensitivity:
    """Of measurements on equal shares of ``windows``; the standard error of their mean."""
    first, count = found[0], len(found)
    values = {name: fsum(one.values[name] for one in found) / count for name in first.values}
    errors = [one.se or {} for one in found]
    se = {name: hypot(*(one[name] for one in errors)) / count for name in values if all(name in one for one in errors)}
    return msgspec.structs.replace(first, text=windows.fingerprint, values=values, se=se or None)


def at_least(values: Mapping[str, float], draft: Draft) -> dict[str, float]:
    """Sensitivities with a floor for bands of tokens: a text is short, and rows that it never uses seem to be free.

    No band's rows count for less than a sixteenth, two bits, of what the table's rows do on average.
    """
    found = dict(values)
    for bands in token_bands(draft.program):
        rows = {name: draft.shape(name)[0] for name in bands}
        least = fsum(values[name] for name in bands) / sum(rows.values()) / FLOOR
        found |= {name: max(values[name], least * rows[name]) for name in bands}
    return found


def _known(model: Trained, path: Path | None, by: Source | None, bands: bool) -> Sensitivity | None:
    """What a file has, if there is one; refused if it was made in another way than is asked for."""
    if path is None or not path.exists():
        return None
    found = read(path, model.fingerprint, model.program.tables(), tables_of(model, bands=bands))
    if by is not None and found.source != by:
        raise UsageError("sensitivity", f"the file must be {by}", found.source, f"leave out --by, or remove {path}")
    return found


def _kept(sensitivity: Sensitivity, path: Path | None) -> Sensitivity:
    if path is not None and not path.exists():
        write(sensitivity, path)
    return sensitivity
