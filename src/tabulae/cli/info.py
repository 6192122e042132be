"""``tabulae info MODEL``"""

from pathlib import Path
from typing import Annotated, Any

import typer

from tabulae.cli.output import Json, megabytes, print_json, print_table

EXAMPLES = """
[bold]Examples[/bold]

  tabulae info smollm2.tab

  tabulae info SmolLM2.gguf --tensors
"""


def info(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Table model (.tab) or trained model.")],
    tensors: Annotated[bool, typer.Option("--tensors", help="A line for every tensor.")] = False,
    json: Json = False,
) -> None:
    """Show what is in a model: provenance, formats, bits per weight; of a trained model also what it would cost."""
    from tabulae.artifact.names import shown
    from tabulae.workflows.describe import describe

    found = describe(model)
    if json:
        print_json(found)
        return
    for key, value in {**found.provenance, "architecture": found.summary, "weights": f"{found.weights:,}"}.items():
        print(f"{key:14} {shown(value)}")
    print_table(
        "", ("format", "tensors", "weights", "size", "bits per weight"), [_row(group) for group in found.formats]
    )
    print(f"{'file':14} {megabytes(found.file_bytes)}, {found.bits_per_weight:.3f} bits per weight in its tensors")
    if found.memory > sum(tensor.bytes for tensor in found.tensors):
        print(
            f"{'memory':14} {megabytes(found.memory)} of tensors while it runs: codes of variable length are expanded"
        )
    if found.built:
        print(f"{'built':14} {megabytes(found.built)} as `tabulae build` would write it")
    if tensors:
        rows = [
            (t.name, " x ".join(map(str, t.shape)), t.format, megabytes(t.bytes), megabytes(t.memory))
            for t in found.tensors
        ]
        print_table("", ("tensor", "shape", "format", "size", "in memory"), rows)


def _row(group: Any) -> tuple[object, ...]:
    return (
        group.format,
        group.tensors,
        f"{group.weights:,}",
        megabytes(group.bytes),
        f"{8 * group.bytes / group.weights:.3f}",
    )
