"""``tabulae info MODEL``"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tabulae.cli.output import IgnoreKey, Json, megabytes, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from tabulae.statistics import Fit, TensorStatistics
    from tabulae.workflows.describe import Description
    from tabulae.workflows.survey import Survey

EXAMPLES = """
[bold]Examples[/bold]

  tabulae info smollm2.tab

  tabulae info SmolLM2.gguf --tensors

  tabulae info SmolLM2.gguf --statistics
"""
FIGURES = ("tensor", "shape", "RMS", "max / RMS", "kurtosis", "in rows", "family", "beyond 4 RMS", "bits", "dead rows")


def info(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Table model (.tab) or trained model.")],
    tensors: Annotated[bool, typer.Option("--tensors", help="A line for every tensor.")] = False,
    statistics: Annotated[
        bool, typer.Option("--statistics", help="What the weights of every tensor are like (reads all of them).")
    ] = False,
    ignore_key: IgnoreKey = None,
    json: Json = False,
) -> None:
    """Show what is in a model: provenance, formats, bits per parameter; of a trained model also what it would cost.

    With --statistics a line for every tensor: RMS, largest magnitude over RMS, kurtosis (of all weights, and in the
    median row: 3 is Normal, 6 Laplace), the family that fits best once every row is over its RMS (t with its degrees
    of freedom), the share of weights beyond 4 RMS, bits of entropy on a grid of a quarter RMS, rows that are all zero.
    """
    from tabulae.workflows.describe import describe

    found = describe(model, ignore_keys=ignore_key or ())
    surveyed = _survey(model, ignore_key or (), quiet=json) if statistics else None
    if json:
        from msgspec.structs import asdict

        print_json(found if surveyed is None else {**asdict(found), "statistics": surveyed})
        return
    _show(found)
    if tensors:
        rows = [(t.name, _by(t.shape), t.format, megabytes(t.bytes), megabytes(t.memory)) for t in found.tensors]
        print_table("", ("tensor", "shape", "format", "size", "in memory"), rows)
    if surveyed is not None:
        _show_survey(surveyed)


def _survey(model: Path, ignore_keys: Sequence[str], *, quiet: bool) -> "Survey":
    from tabulae.workflows.survey import survey

    with progress_bar("reading", quiet=quiet) as progress:
        return survey(model, progress, ignore_keys=ignore_keys)


def _show(found: "Description") -> None:
    from tabulae.artifact.names import shown

    for key, value in {**found.provenance, "architecture": found.summary, "weights": f"{found.weights:,}"}.items():
        print(f"{key:14} {shown(value)}")
    rows = [_format_row(group) for group in found.formats]
    print_table("", ("format", "tensors", "weights", "size", "bits per parameter"), rows)
    rest = ", all but the tokenizer" if found.built is None else " in its tensors"
    print(f"{'file':14} {megabytes(found.file_bytes)}, {found.bits_per_parameter:.3f} bits per parameter{rest}")
    if found.memory > sum(tensor.bytes for tensor in found.tensors):
        size = megabytes(found.memory)
        print(f"{'memory':14} {size} of tensors while it runs: codes of variable length are expanded")
    if found.built:
        print(f"{'built':14} {megabytes(found.built)} as `tabulae build` would write it")


def _format_row(group: Any) -> tuple[object, ...]:
    bits = f"{8 * group.bytes / group.weights:.3f}"
    return group.format, group.tensors, f"{group.weights:,}", megabytes(group.bytes), bits


def _show_survey(found: "Survey") -> None:
    print_table("", FIGURES, [_figures(name, one) for name, one in found.tensors.items()])
    if found.all_zero:
        print(f"{'all zero':14} {_listed(found.all_zero)}: next to nothing in any format")
    for names in found.duplicates:
        print(f"{'equal':14} {_listed(names)}")


def _figures(name: str, one: "TensorStatistics") -> tuple[object, ...]:
    tails = f"{one.kurtosis:.2f}", f"{one.row_kurtosis.median:.2f}"
    shares = f"{100 * one.beyond:.3f} %", f"{one.entropy:.2f}", one.dead_rows
    return name, _by(one.shape), f"{one.rms:.4g}", f"{one.peak:.1f}", *tails, _family(one.fit_rows), *shares


def _family(fit: "Fit | None") -> str:
    """The family as a format would name it."""
    if fit is None:
        return "all zero"
    return fit.family if fit.nu is None else f"{fit.family}, nu {fit.nu:.1f}"


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _listed(names: Sequence[str]) -> str:
    from tabulae.artifact.names import shown

    return ", ".join(shown(name) for name in names)
