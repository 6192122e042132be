"""Which format each tensor gets, from what the user typed: one for all, or ``PATTERN=FORMAT`` for some.

>>> rules = parse_rules(["normal:3/g64/signmax", "*.down_proj.*=int:8/row/absmax"])
>>> [(rule.pattern, str(rule.storage)) for rule in rules]
[('*', 'normal:3/g64/signmax'), ('*.down_proj.*', 'int:8/row/absmax')]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tabulae.errors import UsageError
from tabulae.formats import Storage
from tabulae.program.graph import Decoder

LINEAR = "normal:4/g64/signmax"
EMBEDDING = "int:8/row/absmax"  # and the head: a fifth of a small model's weights, and sensitive
FLOAT = "float32"  # leaves a tensor as it is


@dataclass(frozen=True)
class Rule:
    """Tensors whose name matches the shell pattern are stored so; None: they stay float32."""

    pattern: str
    storage: Storage | None


def parse_rules(texts: Sequence[str]) -> tuple[Rule, ...]:
    """``FORMAT`` or ``PATTERN=FORMAT``, later ones first to be obeyed."""
    return tuple(_rule(text) for text in texts)


def _rule(text: str) -> Rule:
    """A format name may hold ``=`` itself (``sparse=.001``): what parses as a format is one."""
    pattern, equals, name = text.partition("=")
    if equals and not _is_storage(text):
        return Rule(pattern, _storage(name))
    return Rule("*", _storage(text))


def _is_storage(text: str) -> bool:
    try:
        Storage.parse(text)
    except UsageError:
        return False
    return True


def _storage(name: str) -> Storage | None:
    if name == FLOAT:
        return None
    storage = Storage.parse(name)
    storage.check()
    return storage


def choose(program: Decoder, names: Sequence[str], rules: Sequence[Rule] = ()) -> dict[str, Storage | None]:
    """The storage of every tensor, None for those that stay float32 (norms and biases always do).

    :raises UsageError: a pattern that matches no tensor that can have a format
    """
    storages = _defaults(program)
    for rule in rules:
        matching = [name for name in storages if fnmatchcase(name, rule.pattern)]
        if not matching:
            hint = f"such as {', '.join(list(storages)[:4])}"
            raise UsageError("format", "a pattern must match the name of a linear or embedding", rule.pattern, hint)
        storages |= dict.fromkeys(matching, rule.storage)
    return {name: storages.get(name) for name in names}


def _defaults(program: Decoder) -> dict[str, Storage | None]:
    """Linears, then over them embeddings and the head."""
    storages: dict[str, Storage | None] = dict.fromkeys(program.linears(), Storage.parse(LINEAR))
    heads = {one.weight for seen in program.projections() for one in seen.linears if one.out == program.logits}
    tables = (name for op in program.operations for name in op.names("table"))
    return storages | {name: Storage.parse(EMBEDDING) for name in tables if name in heads or name not in storages}
