"""Pages of a mapped file that were read count as memory of the process until somebody else needs it: give them back."""

import mmap
from typing import Final

_KNOWN: Final = hasattr(mmap, "MADV_DONTNEED")  # not on every system; then they stay until memory is short


def give_back(data: mmap.mmap, start: int, size: int) -> None:
    """Forget that these bytes were read; reading them again is as right as before."""
    begin = start // mmap.PAGESIZE * mmap.PAGESIZE
    if _KNOWN and size:
        data.madvise(mmap.MADV_DONTNEED, begin, start + size - begin)
