import os
from pathlib import Path

import pytest

from tabulae.sources._provenance import SAMPLE, SAMPLES, describe_files

LARGE = SAMPLES * SAMPLE * 3


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(b"weights!" * (LARGE // 8))
    return path


def hashed(path: Path, *, sampled: bool) -> str:
    return describe_files([path], sampled=sampled)["xxh3_128"]


def changed(path: Path, at: int, data: bytes) -> None:
    before = path.stat().st_mtime_ns
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)
    os.utime(path, ns=(before + 1, before + 1))


def test_small_files_are_hashed_whole(tmp_path: Path) -> None:
    path = tmp_path / "small.bin"
    path.write_bytes(b"x" * SAMPLE * SAMPLES)
    assert hashed(path, sampled=True) == hashed(path, sampled=False)


@pytest.mark.parametrize("at", [0, LARGE // 2, LARGE - 20000])
def test_a_stretch_that_changes_changes_the_sample(large: Path, at: int) -> None:
    """Blocks of 4 KiB lie three blocks apart here."""
    before = hashed(large, sampled=True)
    assert before != hashed(large, sampled=False)
    changed(large, at, b"trained!" * 2000)
    assert hashed(large, sampled=True) != before


def test_the_end_and_the_size_count(large: Path) -> None:
    seen = {hashed(large, sampled=True)}
    changed(large, LARGE - 1, b"?")
    seen.add(hashed(large, sampled=True))
    changed(large, LARGE, b"?")
    seen.add(hashed(large, sampled=True))
    assert len(seen) == 3


def test_all_of_a_file_counts_in_the_whole_hash(large: Path) -> None:
    before = hashed(large, sampled=False)
    changed(large, SAMPLE + 5, b"?")
    assert hashed(large, sampled=False) != before
