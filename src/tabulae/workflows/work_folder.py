"""What an unfinished build has done so far, kept beside its target so that a killed build can go on.

``m.tab.work/`` holds ``build.json``, which says what build this is, and every encoded tensor as a table model of its
own: sealed, hashed and complete under its name or not there at all, as every table model is. A tensor that does not
verify is encoded again. The folder goes when the build is finished.
"""

import fcntl
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec
import xxhash

from tabulae.arithmetic.matrix import TableMatrix
from tabulae.arithmetic.widths import Widths
from tabulae.artifact.reader import TableModelFile, open_table_model
from tabulae.artifact.records import TableRecord
from tabulae.artifact.writer import TableModelWriter
from tabulae.errors import FileError, TableModelError, UsageError
from tabulae.files import is_temporary, sync_folder, write_whole

STATE, LOCK = "build.json", "lock"


class Build(msgspec.Struct, frozen=True):
    """What makes two builds the same: all that their bytes depend on."""

    code: str  # version and epoch of tabulae
    source: dict[str, str]  # provenance of the trained model, with hashes
    formats: dict[str, str]  # tensor -> storage; float32 where it stays
    importance: str  # hash of what weighs the errors; "" where nothing does


def put_in_place(whole: Path, target: Path) -> None:
    """Give a finished file its name.

    :raises FileError: it cannot have it
    """
    try:
        whole.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise FileError(str(target), "it must be writable", error.strerror or error) from None


def lock(folder: Path) -> BinaryIO:
    """The folder for this process alone until what is returned is closed; the system closes it whatever happens.

    :raises UsageError: another one has it
    """
    file = (folder / LOCK).open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        hint = "wait for it, or give another -o"
        raise UsageError("work folder", "one build at a time can write it", f"{folder} in use", hint) from None
    return file


def claim(folder: Path, state: str, identity: bytes) -> None:
    """Say in the file ``state`` whose folder it is; one that a kill left without a word is anybody's while it is empty.

    :raises UsageError: it is of other work, or of another version or epoch of tabulae
    """
    said = folder / state
    before = said.read_bytes() if said.exists() else None
    others = (path for path in folder.iterdir() if path.name not in (LOCK, state) and not is_temporary(path, state))
    if before not in (None, identity) or (before is None and any(others)):
        got = "files of unknown origin" if before is None else f"{folder} of another one"
        hint = f"finish that one with its own options and version of tabulae, or remove {folder}"
        raise UsageError("work folder", "it must belong to this build", got, hint)
    if before is None:
        write_whole(said, identity, "what build this is")


@contextmanager
def folder_beside(path: Path, identity: bytes) -> Iterator[Path]:
    """``PATH.verify``, for models that may become ``path``; after an interrupt it stays, for the same work to go on.

    :raises UsageError: it is there, and not of this work
    """
    folder = path.with_name(f"{path.name}.verify")
    fresh = not folder.exists()
    try:
        folder.mkdir(exist_ok=True)
        held = lock(folder)
    except OSError as error:
        raise FileError(str(folder), "it must be writable", error.strerror or error) from None
    with held:
        claim(folder, "verify.json", identity)
        try:
            yield folder
        except KeyboardInterrupt:
            raise
        except BaseException:
            if fresh:  # what an earlier try has done stays
                shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)


class WorkFolder:
    """The encoded tensors of one build of ``target``; after an interrupt, like a kill, they stay for the next try.

    :raises UsageError: the folder belongs to another build, or that build is running
    :raises FileError: it cannot be written
    """

    def __init__(self, target: Path, build: Build, threads: int = 1) -> None:
        self.path = target.with_name(f"{target.name}.work")
        self._pool = ThreadPoolExecutor(1) if threads > 1 else None
        self._pending: Future[None] | None = None  # at most one tensor is being kept while the next is encoded
        self._numbers = {name: number for number, name in enumerate(build.formats)}
        try:
            self._enter(msgspec.json.encode(build))
        except OSError as error:
            raise FileError(str(self.path), "it must be writable", error.strerror or error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown()
        if kind is None or not issubclass(kind, KeyboardInterrupt):
            self._remove()
        self._lock.close()

    def _enter(self, build: bytes) -> None:
        self.path.mkdir(exist_ok=True)
        self._lock = lock(self.path)
        try:
            claim(self.path, STATE, build)
        except BaseException:
            self._lock.close()
            raise

    def get(self, planned: TableRecord) -> tuple[TableMatrix, Widths] | None:
        """The tensor, if it was encoded in this storage before and is whole."""
        with self._opened(planned) as found:
            if found is None:
                return None
            file, record = found
            widths = Widths(record.chunk, record.accumulator, file.matrix_parts(record.name).widths.copy())
            return file.matrix(record.name), widths

    def settled(self, planned: TableRecord) -> TableRecord | None:
        """Its record with the lengths that it has."""
        self._settle()
        with self._opened(planned) as found:
            return found[1] if found else None

    @contextmanager
    def _opened(self, planned: TableRecord) -> Iterator[tuple[TableModelFile, TableRecord] | None]:
        path = self._file(planned)
        if not path.exists():
            yield None
            return
        try:
            file = open_table_model(path, verify=True)
        except (TableModelError, FileError):
            yield None
            return
        with file:
            record = file.document.tensors[0]
            same = isinstance(record, TableRecord) and (record.name, record.format) == (planned.name, planned.format)
            yield (file, record) if isinstance(record, TableRecord) and same else None

    def put(self, record: TableRecord, matrix: TableMatrix, widths: Widths) -> None:
        """Keep a tensor that was just encoded; with more than one thread, while the next one is."""
        self._settle()
        if self._pool is None:
            self._keep(record, matrix, widths)
        else:
            self._pending = self._pool.submit(self._keep, record, matrix, widths)

    def _settle(self) -> None:
        """Wait for what is being kept; its error is raised here."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def _keep(self, record: TableRecord, matrix: TableMatrix, widths: Widths) -> None:
        with TableModelWriter(self._file(record), [record]) as writer:
            writer.write_matrix(record.name, matrix, widths)

    @property
    def whole(self) -> Path:
        """Where the whole table model is written before it takes its name."""
        return self.path / "whole.tab"

    def deliver(self, target: Path) -> None:
        """Give the finished file its name."""
        self._settle()
        put_in_place(self.whole, target)

    def _remove(self) -> None:
        for path in self.path.glob("*"):
            if path.name != STATE:
                path.unlink(missing_ok=True)
        shutil.rmtree(self.path, ignore_errors=True)  # what says whose files they are goes last

    def _file(self, record: TableRecord) -> Path:
        """One file for each storage that the tensor was tried in."""
        return self.path / f"{self._numbers[record.name]:06d}.{xxhash.xxh3_64_hexdigest(record.format.encode())}.tab"
