"""What long work has found so far, a line for each result, so that a killed run goes on where it was.

The first line says what work it is, and by which code. A line that a kill cut off is left out.
"""

from pathlib import Path

import msgspec

from tabulae.errors import FileError
from tabulae.evaluation.value import Value
from tabulae.files import write_whole


class Journal:
    """Values by name, on disk as soon as they are known; with ``path`` None nowhere.

    :raises FileError: it cannot be read or written, or is of other work

    >>> journal = Journal(None, "some work")
    >>> journal.put("a", Value(1.5, 0.1)); journal.get("a")
    Value(mean=1.5, se=0.1)
    """

    def __init__(self, path: Path | None, work: str) -> None:
        self._path, self._values = path, dict[str, Value]()
        if path is None:
            return
        try:
            *lines, _ = path.read_bytes().split(b"\n") if path.exists() else [b""]
            head = msgspec.json.encode(work)
            self._values = dict(msgspec.json.decode(line, type=tuple[str, Value]) for line in lines[1:])
        except (OSError, msgspec.MsgspecError) as error:
            raise FileError(str(path), "it must be a journal, to read and write", error, "remove it") from None
        if lines and lines[0] != head:
            must = "it must be a journal of this work by this version and epoch of tabulae"
            raise FileError(str(path), must, "one of other work", f"finish that, or remove {path} to begin anew")
        write_whole(path, b"".join(line + b"\n" for line in [head, *lines[1:]]), "the journal")

    def get(self, name: str) -> Value | None:
        """What is known by that name."""
        return self._values.get(name)

    def put(self, name: str, value: Value) -> None:
        """Note a value."""
        self._values[name] = value
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode((name, value)) + b"\n")

    def remove(self) -> None:
        """The work is done."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
