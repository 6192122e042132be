"""Every key of a configuration is read, or known to change nothing, or refused by name.

What is read falls out of reading: an architecture sees the configuration through :class:`Recorded`. What changes
nothing stands with the kinds of source and with the architectures as data, each group with its reason.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tabulae.errors import ModelError, UsageError

Harmless = Mapping[str, str]  # reason -> names or shell patterns, separated by spaces
Neutral = Mapping[str, tuple[object, ...]]  # name or pattern -> the values at which a key changes nothing
WAY_OUT = "read the model as if a key were not there: --ignore-key KEY, ignore_keys=[KEY]"


class Recorded(Mapping[str, Any]):
    """A configuration that remembers what was read of it, nested records too; ``ignored`` paths are not in it.

    >>> meta = Recorded({"a": 1, "b": {"c": 2, "d": None, "e": 3}, "f": 4}, ["f"])
    >>> meta["a"], meta["b"].get("c"), meta.get("f"), dict(meta.unread())
    (1, 2, None, {'b.e': 3})
    """

    def __init__(self, values: Mapping[str, Any], ignored: Collection[str] = (), at: str = "") -> None:
        self._at = at
        self._read: set[str] = set()
        self._values = {
            key: Recorded(value, ignored, f"{at}{key}.") if isinstance(value, Mapping) else value
            for key, value in values.items()
            if at + key not in ignored
        }

    def __getitem__(self, key: str) -> Any:
        self._read.add(key)
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)

    def unread(self) -> Iterator[tuple[str, Any]]:
        """Path and value of every key that was not read; what is null says nothing."""
        for key, value in self._values.items():
            if key not in self._read and value is not None:
                yield self._at + key, value
            elif isinstance(value, Recorded):
                yield from value.unread()


def recorded(metadata: Mapping[str, Any], ignored: Collection[str]) -> Recorded:
    """The configuration without ``ignored`` keys.

    :raises UsageError: one of them is not there, in its full spelling (``rope_scaling.factor``)
    """
    known = {path for path in ignored if _holds(metadata, path)}
    if missing := sorted(set(ignored) - known):
        raise UsageError("ignore-key", "it must be a key of the configuration", ", ".join(missing))
    return Recorded(metadata, known)


def _holds(metadata: Mapping[str, Any], path: str) -> bool:
    """GGUF's keys have dots themselves."""
    if path in metadata:
        return True
    first, _, rest = path.partition(".")
    return isinstance(metadata.get(first), Mapping) and _holds(metadata[first], rest)


@dataclass(frozen=True)
class Keys:
    """What of a kind of source, or of one architecture in it, is known to change nothing."""

    harmless: Harmless
    neutral: Neutral

    def __or__(self, more: "Keys") -> "Keys":
        """Both; of a key that is neutral in both, the values of ``more``."""
        reasons = {reason: f"{self.harmless.get(reason, '')} {names}" for reason, names in more.harmless.items()}
        return Keys({**self.harmless, **reasons}, {**self.neutral, **more.neutral})

    def accept(self, name: str, value: object) -> bool:
        """Whether the key ``name`` changes nothing at ``value``; of a record its own keys are asked."""
        patterns = " ".join(self.harmless.values()).split()
        return (
            name in patterns
            or value in self.allowed(name)
            or (not isinstance(value, Mapping) and any(fnmatchcase(name, pattern) for pattern in patterns))
        )

    def allowed(self, name: str) -> list[object]:
        """The values at which it changes nothing."""
        return [value for pattern, values in self.neutral.items() if fnmatchcase(name, pattern) for value in values]

    def check(self, meta: Recorded, file: str, prefix: str) -> None:
        """Refuse what was not read and is not known to change nothing.

        ``prefix``: before the keys of the architecture; others are none of its business.

        :raises ModelError: naming all of them
        """
        refused = []
        for path, value in meta.unread():
            name = path.removeprefix(prefix).removeprefix("text_config.")
            if path.startswith(prefix) and not self.accept(name, value):
                only = "".join(f" (only {value!r})" for value in self.allowed(name)[:1])
                refused.append(f"{path} = {_short(value)}{only}")
        if refused:
            must = "every key must be one that is computed, or known to change nothing"
            raise ModelError(file, must, ", ".join(refused), WAY_OUT)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}.."
