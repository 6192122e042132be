"""The options by which ``plan`` and ``build`` are told what a table model may cost, and what to plan it with."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Size = Annotated[
    str | None, typer.Option("--size", help="Bytes of the file at most, such as 60MB.", rich_help_panel="Budget")
]
Memory = Annotated[
    str | None,
    typer.Option("--memory", help="Bytes resident at most; alone or with --size.", rich_help_panel="Budget"),
]
Bits = Annotated[
    float | None,
    typer.Option("--bits", help="Stored bits per parameter at most, all tensors.", rich_help_panel="Budget"),
]
Kl = Annotated[
    float | None,
    typer.Option("--kl", help="Predicted loss in nats at most, in as few bytes as possible.", rich_help_panel="Budget"),
]
Calibration = Annotated[
    Path | None,
    typer.Option(
        "--calibration",
        metavar="TEXT",
        help="Text file to measure inputs and sensitivities with (default: a small one of tabulae's own).",
        rich_help_panel="Planning",
    ),
]
Sensitivity = Annotated[
    Path | None,
    typer.Option(
        "--sensitivity",
        metavar="FILE",
        help="Sensitivities as JSON: used if the file is there, written if not; measured once, good for any budget.",
        rich_help_panel="Planning",
    ),
]
By = Annotated[
    Literal["measured", "fisher", "data-free"] | None,
    typer.Option(
        "--by",
        help="Where sensitivities come from: one tensor changed at a time (measured), gradients (fisher, needs torch), "
        "or weights alone (data-free; the default above a billion parameters).",
        show_default=False,
        rich_help_panel="Planning",
    ),
]
Entropy = Annotated[
    bool,
    typer.Option(
        "--entropy",
        help="Codes of variable length too: a better model in the same file, more memory, a slower load.",
        rich_help_panel="Planning",
    ),
]
AnyFormat = Annotated[
    bool,
    typer.Option("--any-format", help="Formats without a fast kernel too (outliers).", rich_help_panel="Planning"),
]
