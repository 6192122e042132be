"""Building: what is in the file, the same bytes every time, and nothing lost when it goes wrong."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xxhash
from tiny_folder import write_folder

import tabulae
from tabulae.artifact.reader import open_table_model
from tabulae.artifact.records import TableRecord
from tabulae.errors import FileError, ModelError, UsageError


def formats_of(path):
    with open_table_model(path, verify=True) as file:
        return {r.name: r.format for r in file.document.tensors if isinstance(r, TableRecord)}


def build(folder, path, **options):
    with tabulae.open(folder) as model:
        model.build(path, **options)
    return path


def test_default_formats(tiny_tab):
    formats = formats_of(tiny_tab)
    assert formats["model.embed_tokens.weight"] == formats["lm_head.weight"] == "int:8/row/absmax"
    assert formats["model.layers.1.mlp.down_proj.weight"] == "normal:4/g64/signmax"
    assert not any("norm" in name for name in formats) and len(formats) == 16


def test_the_same_bytes_twice(tiny_folder, tiny_tab, tmp_path):
    again = build(tiny_folder, tmp_path / "again.tab")
    assert again.read_bytes() == tiny_tab.read_bytes()


def test_the_same_bytes_with_more_threads(tiny_folder, tiny_tab, tmp_path):
    assert build(tiny_folder, tmp_path / "m.tab", threads=3).read_bytes() == tiny_tab.read_bytes()


def test_golden_tensors(tiny_tab):
    """Frozen: a change of these bytes is a change of the format or of its meaning.

    Only tensors: what a file says of its source depends on the libraries that wrote the source.
    """
    digest = xxhash.xxh3_128()
    with open_table_model(tiny_tab) as file:
        for record in file.document.tensors:
            digest.update(file.stored(record.name))
    assert digest.hexdigest() == "68021c21ea62d24c0e2e185b05c3bcbe"


def test_rules(tiny_folder, tmp_path):
    rules = ["int:3/row/absmax", "*.mlp.*=t:4,nu=5/g32/absmax/sparse=0.01", "model.layers.1.*down*=float32"]
    path = build(tiny_folder, tmp_path / "m.tab", formats=rules)
    formats = formats_of(path)
    assert formats["model.embed_tokens.weight"] == "int:3/row/absmax"
    assert formats["model.layers.0.mlp.up_proj.weight"] == "t:4/g32/absmax/sparse=0.01"
    assert "model.layers.1.mlp.down_proj.weight" not in formats
    with tabulae.load(path, verify=True) as lm:
        assert lm.logits([1, 2, 3]).shape == (3, 300)


@pytest.mark.parametrize("name", ["gpt2", "opt", "falcon", "gemma3", "qwen3"])
def test_other_architectures(name, tmp_path):
    folder = write_folder(tmp_path / name, name)
    path = build(folder, tmp_path / "m.tab", formats=["int:8/row/absmax"])
    with tabulae.open(folder) as model, model.load() as exact, tabulae.load(path, verify=True) as lm:
        a, b = exact.logits([5, 6, 7, 8]), lm.logits([5, 6, 7, 8])
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_source_types(dtype, tmp_path):
    path = build(write_folder(tmp_path / "m", dtype=dtype), tmp_path / "m.tab")
    assert tabulae.check(path).ok


def test_an_unknown_format_names_what_is_accepted(tiny_folder, tmp_path):
    with pytest.raises(UsageError, match=r"accepted: .*normal"):
        build(tiny_folder, tmp_path / "m.tab", formats=["foo:4/row/absmax"])
    assert not list(tmp_path.iterdir())


def test_a_pattern_that_matches_nothing(tiny_folder, tmp_path):
    with pytest.raises(UsageError, match=r"\[format\] a pattern must match .*but got \*attention\*"):
        build(tiny_folder, tmp_path / "m.tab", formats=["*attention*=int:4/row/absmax"])


def test_the_output_must_not_be_the_input(tiny_folder, tmp_path):
    for target in (tiny_folder, tiny_folder / "model.safetensors"):
        before = (tiny_folder / "model.safetensors").read_bytes()
        with pytest.raises(UsageError, match="another file than the trained model"):
            build(tiny_folder, target)
        assert (tiny_folder / "model.safetensors").read_bytes() == before


def test_a_missing_folder_for_the_output(tiny_folder, tmp_path):
    with pytest.raises(FileError, match="writable"):
        build(tiny_folder, tmp_path / "no" / "m.tab")


def test_a_pipe_or_device_is_not_replaced(tiny_folder, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="a device or pipe"):
        build(tiny_folder, tmp_path / "pipe")
    assert not (tmp_path / "pipe").is_file() and [p.name for p in tmp_path.iterdir()] == ["pipe"]


def test_a_closed_model(tiny_folder, tmp_path):
    model = tabulae.open(tiny_folder)
    model.close()
    with pytest.raises(UsageError, match="must be open"):
        model.build(tmp_path / "m.tab")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite(bad, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = write_folder(tmp_path / "m")
    tensors = load_file(folder / "model.safetensors")
    tensors["model.layers.1.mlp.up_proj.weight"][3, 5] = bad
    save_file(tensors, folder / "model.safetensors")
    target = tmp_path / "m.tab"
    target.write_bytes(b"what was there")
    with pytest.raises(ModelError, match=r"model\.layers\.1\.mlp\.up_proj\.weight.*3, 5"):
        build(folder, target)
    assert target.read_bytes() == b"what was there" and sorted(p.name for p in tmp_path.iterdir()) == ["m", "m.tab"]


def test_a_full_disk_leaves_nothing(tiny_folder, tmp_path):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(FileError, match="nothing was left behind"):
            build(tiny_folder, tmp_path / "m.tab")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert not list(tmp_path.iterdir())


def interrupted(model, path, after):
    """A build that is interrupted when it comes to the first tensor whose name contains ``after``."""

    def stop(name, done, total):
        if after in name:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.build(path, progress=stop)


def test_an_interrupted_build_goes_on(tiny_folder, tiny_tab, tmp_path, monkeypatch):
    path = tmp_path / "m.tab"
    with tabulae.open(tiny_folder) as model:
        interrupted(model, path, "layers.1")
        assert not path.exists() and (tmp_path / "m.tab.work").is_dir()
        read = []
        monkeypatch.setattr(model, "read", lambda name, real=model.read: read.append(name) or real(name))
        model.build(path)
    assert not any("layers.0" in name and "norm" not in name for name in read)  # those were kept
    assert path.read_bytes() == tiny_tab.read_bytes() and [p.name for p in tmp_path.iterdir()] == ["m.tab"]


def test_a_damaged_part_is_encoded_again(tiny_folder, tiny_tab, tmp_path):
    path = tmp_path / "m.tab"
    with tabulae.open(tiny_folder) as model:
        interrupted(model, path, "layers.1")
        for part in (tmp_path / "m.tab.work").glob("0*.tab"):
            data = bytearray(part.read_bytes())
            data[-100] ^= 1
            part.write_bytes(data)
        model.build(path)
    assert path.read_bytes() == tiny_tab.read_bytes()


def test_a_work_folder_of_another_build_is_refused(tiny_folder, tmp_path):
    path = tmp_path / "m.tab"
    with tabulae.open(tiny_folder) as model:
        interrupted(model, path, "layers.1")
        with pytest.raises(UsageError, match="must belong to this build"):
            model.build(path, formats=["int:4/row/absmax"])
        assert (tmp_path / "m.tab.work").is_dir()
    (tmp_path / "m.tab.work" / "build.json").unlink()
    with tabulae.open(tiny_folder) as model, pytest.raises(UsageError, match="unknown origin"):
        model.build(path)


def test_one_build_at_a_time(tiny_folder, tiny_tab, tmp_path):
    """The second of two is refused, and takes nothing from the first."""
    path = tmp_path / "m.tab"

    def meddle(name, done, total):
        if name == "model.layers.1.mlp.up_proj.weight":
            with tabulae.open(tiny_folder) as other, pytest.raises(UsageError, match="one build at a time can write"):
                other.build(path)
            met.append(name)

    met = []
    with tabulae.open(tiny_folder) as model:
        model.build(path, progress=meddle)
    assert met and path.read_bytes() == tiny_tab.read_bytes()


KILLED = """
import sys, tabulae
with tabulae.open(sys.argv[1]) as model:
    model.build(sys.argv[2])
"""


def kill_and_resume(folder, expected, tmp_path, moments):
    """Builds in processes of their own, killed after so many seconds; then one that may finish."""
    path = tmp_path / "m.tab"
    for moment in moments:
        process = subprocess.Popen([sys.executable, "-c", KILLED, folder, path])
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not path.exists() or path.read_bytes() == expected
    subprocess.run([sys.executable, "-c", KILLED, folder, path], check=True)
    assert path.read_bytes() == expected
    assert [p.name for p in tmp_path.iterdir()] == ["m.tab"]


def test_killed_builds_end_in_the_same_bytes(tiny_folder, tiny_tab, tmp_path):
    rng = np.random.default_rng(0)
    kill_and_resume(tiny_folder, tiny_tab.read_bytes(), tmp_path, rng.uniform(0.2, 0.7, 8))


@pytest.mark.slow
def test_a_thousand_kills(tiny_folder, tiny_tab, tmp_path):
    rng = np.random.default_rng(1)
    for trial in range(100):
        (folder := tmp_path / str(trial)).mkdir()
        kill_and_resume(tiny_folder, tiny_tab.read_bytes(), folder, rng.uniform(0.15, 0.8, 10))
