"""A trained model prepared for formats: all passes that come before them, the same for study, plan and build.

With statistics of inputs, channels and hidden units get the order that serves formats best, and tables whose rows
matter unlike are studied and planned in bands of rows. Whether sensitivities or a plan are of these or of whole tables,
their names say.
"""

from collections.abc import Collection, Mapping

from tabulae.calibration import Draft, column_scales, sort_hidden, split_rows, spread_residual
from tabulae.formats import InputStatistics
from tabulae.program.trained import Trained


def prepared(
    model: Trained,
    inputs: Mapping[str, InputStatistics],
    *,
    bands: bool,
    strength: float = 0.0,
    only: Collection[str] | None = None,
) -> Draft:
    """The model after its passes; columns scaled by importance to the power of ``strength``, of ``only`` some linears.

    :raises UsageError: as of the passes
    """
    draft, bands = Draft.of(model, inputs), bands and bool(inputs)
    if bands:
        draft = sort_hidden(spread_residual(draft))
    if strength and (only is None or only):
        draft = column_scales(draft, "importance", strength=strength, only=only)
    return split_rows(draft) if bands else draft


def tables_of(model: Trained, *, bands: bool) -> tuple[str, ...]:
    """The names of all that gets a format; nothing is read."""
    return (split_rows(Draft.of(model)).program if bands else model.program).tables()


def in_bands(model: Trained, names: Collection[str]) -> bool:
    """Whether names are those of a model's tables in bands, though it may have none."""
    return set(names) == set(tables_of(model, bands=True))
