"""The options by which ``plan`` and ``build`` are told what a table model may cost, and what to plan it with."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Size = Annotated[
    str | None, typer.Option("--size", help="Bytes of the file at most, such as 60MB.", rich_help_panel="Budget")
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory", help="Bytes of all tensors in memory at most; alone or with --size.", rich_help_panel="Budget"
    ),
]
Bits = Annotated[
    float | None,
    typer.Option(
        "--bits", help="Bits per parameter at most: every byte of the file but the tokenizer.", rich_help_panel="Budget"
    ),
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
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        help="FORMAT for all tensors, or PATTERN=FORMAT for those whose name matches the shell pattern; "
        "repeatable, the last match counts. 'float32' leaves a tensor as it is. "
        "(default: normal:4/g64/signmax, embedding and head int:8/row/absmax)",
    ),
]
Verify = Annotated[
    Path | None,
    typer.Option(
        "--verify",
        metavar="TEXT",
        help="With a budget: text on which the planned model must beat the best flat one, or that is shipped "
        "(default: the calibration text; models of more than a billion parameters are not verified).",
        rich_help_panel="Planning",
    ),
]
NoVerify = Annotated[bool, typer.Option("--no-verify", help="Ship the plan as it is.", rich_help_panel="Planning")]
WithoutTokenizer = Annotated[
    bool,
    typer.Option("--without-tokenizer", help="Leave the tokenizer out: the table model runs on token ids alone."),
]
