"""``tabulae run m.tab "prompt"``"""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tabulae.cli.output import Arithmetic, Json, Threads, print_json

if TYPE_CHECKING:
    from tabulae.runtime.language_model import Generation, LanguageModel
    from tabulae.text.sampling import Sampler

EXAMPLES = """
[bold]Examples[/bold]

  tabulae run smollm2.tab "The capital of France is" --max-tokens 20

  tabulae run smollm2.tab --chat                        a conversation; an empty line or Ctrl-D ends it

  echo "Once upon a time" | tabulae run smollm2.tab --temperature 0.8 --top-p 0.9 --seed 1
"""


def run(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Table model (.tab); a trained model runs in float32.")
    ],
    prompt: Annotated[
        str | None, typer.Argument(metavar="PROMPT", help="Text to continue [default: read from standard input].")
    ] = None,
    chat: Annotated[bool, typer.Option("--chat", help="Take turns, through the model's own chat template.")] = False,
    max_tokens: Annotated[int, typer.Option(help="Tokens to generate at most (per turn).")] = 256,
    context: Annotated[int | None, typer.Option(help="Longest sequence [default: 2048 or what the model can].")] = None,
    temperature: Annotated[float, typer.Option(help="0: always the likeliest token.")] = 0.0,
    top_k: Annotated[int, typer.Option(help="Sample among the k likeliest; 0: all.")] = 0,
    top_p: Annotated[float, typer.Option(help="Sample among the likeliest that hold this probability.")] = 1.0,
    min_p: Annotated[float, typer.Option(help="Sample among those this fraction as likely as the likeliest.")] = 0.0,
    repetition_penalty: Annotated[float, typer.Option(help="Above 1: what was said becomes less likely.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the sampling: the same seed gives the same text.")] = 0,
    threads: Threads = None,
    arithmetic: Arithmetic = "auto",
    json: Json = False,
) -> None:
    """Generate text; it streams as it comes, and stops at the end of text, --max-tokens or the context."""
    from tabulae.text.sampling import Sampler

    sampler = Sampler(temperature, top_k, top_p, min_p, repetition_penalty, seed)
    with open_model(model, context, threads, arithmetic) as lm:
        if chat and prompt is None and sys.stdin.isatty():
            _converse(lm, sampler, max_tokens)
        else:
            text = prompt if prompt is not None and prompt != "-" else sys.stdin.read()
            _once(lm, _first_turn(lm, text) if chat else text, chat, sampler, max_tokens, json)


def open_model(
    path: Path, context: int | None = None, threads: int | None = None, arithmetic: Arithmetic = "auto"
) -> "LanguageModel":
    """A table model, or the float model of a trained one."""
    import tabulae

    options: dict[str, Any] = {"context": context, "threads": threads, "arithmetic": arithmetic}
    if path.suffix == ".tab":
        return tabulae.load(path, **options)
    with tabulae.open(path) as trained:
        return trained.load(**options)


def _once(lm: "LanguageModel", text: str, chat: bool, sampler: "Sampler", max_tokens: int, json: bool) -> None:
    start = time.perf_counter()
    ids = lm.tokenizer.encode(text, bos=False if chat else None)
    out = lm.generate(ids, max_tokens=max_tokens, sampler=sampler, stream=None if json else _show)
    if json:
        seconds = time.perf_counter() - start
        print_json({"prompt_tokens": len(ids), "text": out.text, "stopped": out.stopped, "seconds": seconds})
    else:
        print()
        _say_limit(out)


def _first_turn(lm: "LanguageModel", text: str) -> str:
    return lm.tokenizer.chat([{"role": "user", "content": text.rstrip("\n")}])


def _converse(lm: "LanguageModel", sampler: "Sampler", max_tokens: int) -> None:
    """Turns on the terminal: the conversation is templated anew, but what the cache holds is not run again."""
    messages: list[dict[str, str]] = []
    session, held = lm.session(), list[int]()
    while text := _ask():
        messages.append({"role": "user", "content": text})
        ids = lm.tokenizer.encode(lm.tokenizer.chat(messages), bos=False)
        common = _common(held, ids[:-1])
        session.rewind(common)
        out = lm.generate(ids[common:], max_tokens=max_tokens, sampler=sampler, stream=_show, session=session)
        print()
        _say_limit(out)
        held = [*ids, *out.tokens][: session.position]
        messages.append({"role": "assistant", "content": out.text})


def _ask() -> str:
    try:
        return input("> ").strip()
    except EOFError:
        return ""


def _common(a: list[int], b: list[int]) -> int:
    """How many tokens two sequences begin with alike.

    >>> _common([1, 2, 3], [1, 2, 4, 5])
    2
    """
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _show(piece: str) -> None:
    sys.stdout.write(piece)
    sys.stdout.flush()


def _say_limit(out: "Generation") -> None:
    if out.stopped == "context":
        print("[stopped: the context is full; raise --context]", file=sys.stderr)
    elif out.stopped == "max tokens":
        print(f"[stopped after {len(out.tokens)} tokens; raise --max-tokens]", file=sys.stderr)
