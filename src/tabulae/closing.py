"""What is opened is closed: the one context manager of all models and files."""

from types import TracebackType
from typing import Self


class Closing:
    """A context manager that calls :meth:`close` at its end, whatever happened."""

    def close(self) -> None:
        """Let go of files and weights; may be called twice."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
