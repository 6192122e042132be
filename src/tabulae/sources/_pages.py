"""Pages of a mapped file that were read count as memory of the process until somebody else needs it: give them back."""

import mmap
from typing import Final

_KNOWN: Final = hasattr(mmap, "MADV_DONTNEED")  # not on every system; then they stay until memory is short
_FEW: Final = 1 << 16  # bytes: the system reads ahead about as many


def announce(data: mmap.mmap, start: int, size: int, share: float) -> None:
    """Such a share of these bytes will be read: around a few of them the system need not read ahead."""
    begin = start // mmap.PAGESIZE * mmap.PAGESIZE
    if _KNOWN and size:
        data.madvise(mmap.MADV_RANDOM if share * size < _FEW else mmap.MADV_NORMAL, begin, start + size - begin)


def give_back(data: mmap.mmap, start: int, size: int) -> None:
    """Forget that these bytes were read; reading them again is as right as before."""
    begin = start // mmap.PAGESIZE * mmap.PAGESIZE
    if _KNOWN and size:
        data.madvise(mmap.MADV_DONTNEED, begin, start + size - begin)
