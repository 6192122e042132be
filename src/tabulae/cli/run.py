"""``tabulae run m.tab "prompt"``"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from tabulae.cli.nets import run_net
from tabulae.cli.output import Arithmetic, IgnoreKey, Json, Threads, print_json, say_limit, show
from tabulae.cores import available_cores
from tabulae.errors import UsageError

if TYPE_CHECKING:
    from tabulae.runtime.language_model import LanguageModel, Options
    from tabulae.text.sampling import Sampler

EXAMPLES = """
[bold]Examples[/bold]

  tabulae run smollm2.tab "The capital of France is" --max-tokens 20

  tabulae run smollm2.tab --chat          turns, a line each, until Ctrl-D

  tabulae run smollm2.tab --chat "Why is the sky blue?"         one turn

  echo "Once upon a time" | tabulae run smollm2.tab --temperature 0.8

  tabulae run digits.tab --inputs test.npz      a net: answers, and how many are the labels
"""


def run(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Table model (.tab); a trained model runs in float32.")
    ],
    prompt: Annotated[
        str | None, typer.Argument(metavar="PROMPT", help="Text to continue (default: read from standard input).")
    ] = None,
    chat: Annotated[
        bool, typer.Option("--chat", help="Use the chat template; without PROMPT a conversation, a turn per line.")
    ] = False,
    max_tokens: Annotated[int, typer.Option(help="Tokens to generate at most (per turn).")] = 256,
    context: Annotated[int | None, typer.Option(help="Longest sequence (default: 2048 or what the model can).")] = None,
    temperature: Annotated[float, typer.Option(help="0: always the likeliest token.")] = 0.0,
    top_k: Annotated[int, typer.Option(help="Sample among the k likeliest; 0: all.")] = 0,
    top_p: Annotated[float, typer.Option(help="Sample among the likeliest that hold this probability.")] = 1.0,
    min_p: Annotated[float, typer.Option(help="Sample among those this fraction as likely as the likeliest.")] = 0.0,
    repetition_penalty: Annotated[float, typer.Option(help="Above 1: what was said becomes less likely.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the sampling: the same seed gives the same text.")] = 0,
    ignore_key: IgnoreKey = None,
    inputs: Annotated[
        str | None, typer.Option("--inputs", metavar="NPZ", help="Of a net: arrays by the names of its inputs.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Of a net: an npz file for all outputs (default: answers).")
    ] = None,
    threads: Threads = None,
    arithmetic: Arithmetic = "auto",
    json: Json = False,
) -> None:
    """Generate text; it streams as it comes, and stops at the end of text, --max-tokens or the context."""
    from tabulae.text import renderer
    from tabulae.text.sampling import Sampler

    if inputs is not None:
        return run_net(model, inputs, output, available_cores() if threads is None else threads, json)
    if chat:
        renderer.start()  # while the model loads
    sampler = Sampler(temperature, top_k, top_p, min_p, repetition_penalty, seed)
    with open_model(model, ignore_key or (), context=context, threads=threads, arithmetic=arithmetic) as lm:
        if chat and prompt is None and not json:
            from tabulae.cli.chat import converse

            return converse(lm, sampler, max_tokens)
        text = _standard_input() if prompt in (None, "-") else _argument(prompt)
        if chat and not text:
            raise UsageError("prompt", "it must not be empty", "no text", "give PROMPT or pipe a text")
        asked = lm.tokenizer.chat([{"role": "user", "content": text}]) if chat else text
        _once(lm, asked, chat, sampler, max_tokens, json)


def _standard_input() -> str:
    """All of it but the newline at its end, which is the shell's."""
    if sys.stdin.isatty():
        print("type a text, then Ctrl-D", file=sys.stderr)
    return sys.stdin.read().removesuffix("\n")


def _argument(text: str) -> str:
    """A text of the command line, which is UTF-8 whatever the locale says."""
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError as error:
        raise UsageError("prompt", "it must be UTF-8", error) from None


def open_model(path: Path, ignore_keys: Sequence[str], **options: Unpack["Options"]) -> "LanguageModel":
    """A table model, or the float model of a trained one."""
    import tabulae
    from tabulae.workflows.trained import is_trained_model

    if not is_trained_model(path, ignore_keys):
        return tabulae.load(path, **options)
    with tabulae.open(path, ignore_keys=ignore_keys) as trained:
        return trained.load(**options)


def _once(lm: "LanguageModel", text: str, chat: bool, sampler: "Sampler", max_tokens: int, json: bool) -> None:
    start = time.perf_counter()
    ids = lm.tokenizer.encode(text, bos=False if chat else None)
    out = lm.generate(ids, max_tokens=max_tokens, sampler=sampler, stream=None if json else show)
    if json:
        seconds = time.perf_counter() - start
        counts = {"prompt_tokens": len(ids), "generated_tokens": len(out.tokens), "tokens": out.tokens}
        print_json({"text": out.text, "stopped": out.stopped, **counts, "seconds": seconds})
    else:
        print(flush=True)
        say_limit(out)
