"""What a model lost: KL, agreement and perplexity of a candidate against its reference, over the same windows.

The reference is a model, and KL is over the whole vocabulary; or it was recorded, and there is nothing but a KL of the
most probable tokens, 12 to 17 % lower on SmolLM2, which is called top-k and never compared with a full one.
*Weights alone*: a float model with the decoded weights, which compares formats. *Activations alone*: exact weights,
inputs through activation codes. *Complete*: the candidate as it really runs, which is what a user gets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec

from tabulae.arithmetic.arrays import Float32s, Float64s
from tabulae.errors import UsageError
from tabulae.evaluation.kl import full_kl, normaliser, same_top, surprise, top_k_kl
from tabulae.evaluation.reference import Reference
from tabulae.evaluation.task import Model
from tabulae.evaluation.top_k import TopK
from tabulae.evaluation.value import Value, mean_of, paired, perplexity_of
from tabulae.evaluation.windows import Windows
from tabulae.progress import Progress, silent

Kind = Literal["weights alone", "activations alone", "complete"]
Measure = Literal["kl", "kl_topk", "agreement", "surprise"]


class Quality(msgspec.Struct, frozen=True):
    """Means over all scored tokens; per window in ``per_window``, by the names of the measures."""

    kind: Kind
    against: str  # the reference
    text: str  # fingerprint of the windows
    windows: int
    tokens: int  # scored, in all windows
    kl: Value | None  # nats, whole vocabulary; None against a stored reference
    kl_topk: Value | None  # nats, 128 tokens and one bucket for the others; None against a model that runs
    agreement: Value  # share of positions with the same most probable token
    perplexity: Value  # of the scored tokens
    reference_perplexity: Value
    whole_perplexity: Value | None  # of all tokens of the windows, where asked for
    per_window: dict[str, tuple[float, ...]]


class Candidate(NamedTuple):
    """A model to evaluate, and what its figures stand for."""

    model: Model
    kind: Kind


def evaluate(
    candidate: Model,
    reference: Model | Reference,
    windows: Windows | None = None,
    *,
    kind: Kind,
    against: str = "",
    whole: bool = False,
    progress: Progress = silent,
) -> Quality:
    """Compare ``candidate`` with ``reference``; ``windows`` may be left out where the reference was recorded.

    ``whole`` asks for the perplexity of all tokens too; ``progress`` is called after each window.

    :raises UsageError: no windows, windows that are not the recorded ones, or vocabularies that differ
    """
    named = {"": Candidate(candidate, kind)}
    return evaluate_all(named, reference, windows, against=against, whole=whole, progress=progress)[""]


def evaluate_all(
    candidates: Mapping[str, Candidate],
    reference: Model | Reference,
    windows: Windows | None = None,
    *,
    against: str = "",
    whole: bool = False,
    progress: Progress = silent,
) -> dict[str, Quality]:
    """:func:`evaluate` for several candidates by name, with one run of the reference for all of them."""
    windows = _windows(reference, windows)
    against = against or (reference.model if isinstance(reference, Reference) else "the float model")
    scores: dict[str, list[dict[str, float]]] = {name: [] for name in candidates}
    for window in range(len(windows)):
        truth = _truth(reference, windows, window)
        for name, candidate in candidates.items():
            scores[name].append(_score(candidate.model, truth, windows, window, whole))
        progress("windows", window + 1, len(windows))
    return {name: _quality(candidates[name].kind, against, windows, rows) for name, rows in scores.items()}


def perplexity(model: Model, windows: Windows, *, first: int = 0, progress: Progress = silent) -> Value:
    """Perplexity of all tokens that stand behind position ``first`` of their window."""
    means = []
    for window in range(len(windows)):
        logits = windows.run(model, window, first)
        means.append(float(surprise(logits, windows.targets(window, first), normaliser(logits)).mean()))
        progress("windows", window + 1, len(windows))
    return perplexity_of(means)


def difference(a: Quality, b: Quality, measure: Measure = "kl") -> Value:
    """``a - b`` of one measure, with the standard error of the paired differences over windows.

    :raises UsageError: figures of different windows or references, or full KL where a reference was recorded
    """
    if (a.text, a.against) != (b.text, b.against):
        got = f"{a.text} against {a.against}, {b.text} against {b.against}"
        raise UsageError("difference", "both must be measured on the same windows against the same reference", got)
    if measure not in a.per_window or measure not in b.per_window:
        hint = f"accepted: {', '.join(sorted(a.per_window.keys() & b.per_window.keys()))}"
        raise UsageError("difference", "the measure must be known of both", measure, hint)
    return paired(a.per_window[measure], b.per_window[measure])


@dataclass(frozen=True, eq=False)
class _Truth:
    """What the reference says about one window."""

    top: TopK
    surprise: float
    vocabulary: int
    logits: Float32s | None = None  # of a model that runs
    norm: Float64s | None = None


def _windows(reference: Model | Reference, windows: Windows | None) -> Windows:
    if not isinstance(reference, Reference):
        if windows is None:
            raise UsageError("evaluate", "there must be windows to run a reference model on", None)
        return windows
    if windows is not None and windows.fingerprint != reference.windows.fingerprint:
        raise UsageError("evaluate", "the windows must be those of the stored reference", "others", "leave them out")
    return reference.windows


def _truth(reference: Model | Reference, windows: Windows, window: int) -> _Truth:
    if isinstance(reference, Reference):
        return _Truth(reference.top(window), float(reference.surprise[window].mean()), reference.vocabulary)
    logits = windows.run(reference, window)
    norm = normaliser(logits)
    expected = float(surprise(logits, windows.targets(window), norm).mean())
    return _Truth(TopK.of(logits, norm), expected, logits.shape[1], logits, norm)


def _score(model: Model, truth: _Truth, windows: Windows, window: int, whole: bool) -> dict[str, float]:
    """The means of one window."""
    first = 0 if whole else windows.first
    everything = windows.run(model, window, first)
    if everything.shape[1] != truth.vocabulary:
        must = f"candidate and reference must have the same vocabulary, {truth.vocabulary} tokens"
        raise UsageError("evaluate", must, everything.shape[1])
    norms = normaliser(everything)
    surprises = surprise(everything, windows.targets(window, first), norms)
    logits, norm = everything[windows.first - first :], norms[windows.first - first :]
    means = {
        "agreement": same_top(truth.top, logits).mean(),
        "surprise": surprises[windows.first - first :].mean(),
        "reference_surprise": truth.surprise,
    }
    if truth.logits is not None and truth.norm is not None:
        means["kl"] = full_kl(truth.logits, logits, truth.norm, norm).mean()
    else:
        means["kl_topk"] = top_k_kl(truth.top, logits, norm).mean()
    if whole:
        means["whole_surprise"] = surprises.mean()
    return {name: float(mean) for name, mean in means.items()}


def _quality(kind: Kind, against: str, windows: Windows, rows: list[dict[str, float]]) -> Quality:
    per_window = {name: tuple(row[name] for row in rows) for name in rows[0]}
    return Quality(
        kind=kind,
        against=against,
        text=windows.fingerprint,
        windows=len(windows),
        tokens=len(windows) * windows.scored,
        kl=mean_of(per_window["kl"]) if "kl" in per_window else None,
        kl_topk=mean_of(per_window["kl_topk"]) if "kl_topk" in per_window else None,
        agreement=mean_of(per_window["agreement"]),
        perplexity=perplexity_of(per_window["surprise"]),
        reference_perplexity=perplexity_of(per_window["reference_surprise"]),
        whole_perplexity=perplexity_of(per_window["whole_surprise"]) if "whole_surprise" in per_window else None,
        per_window=per_window,
    )
