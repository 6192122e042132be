"""What people type: output, exit codes, one clear line for every mistake."""

import json
import os
import subprocess
import sys

import pytest

from tabulae import _native


def test_build(tabulae, tiny_folder, tiny_tab, tmp_path):
    code, out, _ = tabulae("build", tiny_folder, "-o", tmp_path / "m.tab")
    assert code == 0 and "weights in" in out
    assert (tmp_path / "m.tab").read_bytes() == tiny_tab.read_bytes()


def test_build_json_and_formats(tabulae, tiny_folder, tmp_path):
    words = ("--format", "int:4/g32/absmax", "--format", "*down*=int:8/row/absmax", "--json")
    code, out, _ = tabulae("build", tiny_folder, "-o", tmp_path / "m.tab", *words)
    found = json.loads(out)
    assert code == 0 and found["bytes"] == (tmp_path / "m.tab").stat().st_size


def test_run(tabulae, tiny_tab):
    code, out, err = tabulae("run", tiny_tab, "the inn", "--max-tokens", 5)
    assert code == 0 and out.strip() and "stopped after 5 tokens" in err
    assert tabulae("run", tiny_tab, "--max-tokens", 5, stdin="the inn")[1] == out


def test_run_json_chat_and_sampling(tabulae, tiny_tab):
    words = ("--chat", "--json", "--temperature", 1.2, "--top-k", 50, "--top-p", 0.9, "--min-p", 0.01, "--seed", 4)
    code, out, _ = tabulae("run", tiny_tab, "hi", "--max-tokens", 5, *words)
    found = json.loads(out)
    assert code == 0 and found["stopped"] == "max tokens" and found["prompt_tokens"] > 5
    assert json.loads(tabulae("run", tiny_tab, "hi", "--max-tokens", 5, *words)[1])["text"] == found["text"]


def test_a_conversation(tabulae, tiny_tab):
    """A turn per line; one that does not fit is reported, and the next one is answered."""
    turns = "hi\n" + "the inn on the hill " * 30 + "\nyou\n"
    code, out, err = tabulae("run", tiny_tab, "--chat", "--max-tokens", 4, stdin=turns)
    assert code == 0 and err.count("this turn is forgotten") == 1 and len(out.splitlines()) >= 2


def test_the_newline_of_the_shell_is_not_part_of_the_prompt(tabulae, tiny_tab):
    assert (
        tabulae("run", tiny_tab, "--max-tokens", 5, stdin="the inn\n")[1]
        == tabulae("run", tiny_tab, "the inn", "--max-tokens", 5)[1]
    )


def test_version_and_defaults_in_the_help(tabulae):
    assert tabulae("--version")[1].startswith("tabulae 0.")
    words = " ".join(tabulae("build", "--help")[1].replace("│", " ").split())
    assert "default: NAME.tab" in words and "default: normal:4" in words


def test_a_table_model_by_any_name(tabulae, tiny_tab, tmp_path):
    (tmp_path / "model").write_bytes(tiny_tab.read_bytes())
    assert tabulae("run", tmp_path / "model", "x", "--max-tokens", 2)[0] == 0
    assert "built already" in tabulae("build", tmp_path / "model")[2]


def test_run_a_trained_model(tabulae, tiny_folder):
    assert tabulae("run", tiny_folder, "hi", "--max-tokens", 3)[0] == 0


def test_check(tabulae, tiny_tab):
    code, out, _ = tabulae("check", tiny_tab)
    assert code == 0 and "ok" in out and "1 hash of the logits" in out


def test_check_against(tabulae, tiny_tab, tiny_folder, tmp_path):
    text = tmp_path / "text"
    text.write_text("the inn on the hill " * 200)
    words = ("--against", tiny_folder, "--text", text, "--windows", 2, "--json")
    code, out, _ = tabulae("check", tiny_tab, *words)
    found = json.loads(out)
    assert code == 0 and [q["kind"] for q in found["quality"]] == ["weights alone", "complete"]


def test_check_of_changed_data(tabulae, tiny_tab, tmp_path):
    data = bytearray(tiny_tab.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "m.tab").write_bytes(data)
    code, out, err = tabulae("check", tmp_path / "m.tab")
    assert code == 1 and "NOT OK" in out and "hash" in out
    assert err.startswith("found: [tensor ") and len(err.splitlines()) == 1
    assert tabulae("check", tmp_path / "m.tab", "--json")[::2] == (1, "")


def test_bench(tabulae, tiny_tab):
    code, out, _ = tabulae("bench", tiny_tab, "--rounds", 1, "--threads", 1)
    assert code == 0 and "tokens/s" in out
    assert json.loads(tabulae("bench", tiny_tab, "--rounds", 1, "--json")[1])["speed"]["decode_tokens_per_second"] > 0


def test_building_without_the_tokenizer(tabulae, tiny_folder, tmp_path):
    table, plan = tmp_path / "bare.tab", tmp_path / "plan.json"
    planned = tabulae("plan", tiny_folder, "--bits", 9, "--by", "data-free", "--without-tokenizer", "-o", plan)
    assert planned[0] == 0 and "nats, a guess from weights alone" in planned[1]
    assert tabulae("build", tiny_folder, "--plan", plan, "--without-tokenizer", "-o", table)[0] == 0
    code, _, err = tabulae("run", table, "x")
    assert code == 1 and "[tokenizer] the model must bring one, but got none" in err
    assert tabulae("check", table)[0] == 0


MISTAKES = [
    (("run", "none.tab", "x"), 1, "none.tab"),
    (("run", "TAB", "x" * 500), 2, "shorter than the room in the context"),
    (("run", "TAB", ""), 2, "at least one token"),
    (("run", "TAB", "x", "--context", 1000), 2, "1..64"),
    (("run", "TAB", "x", "--threads", 0), 2, "1 to 1024"),
    (("run", "TAB", "x", "--temperature", -1), 2, "temperature"),
    (("run", "TAB", "x", "--max-tokens", 0), 2, "at least one token must be asked for"),
    (("run", "TAB", "x", "--arithmetic", "guess"), 2, "guess"),
    (("build", "none.gguf"), 1, "[none.gguf] it must be readable, but got no such file or folder"),
    (("build", "FOLDER", "-o", "none/deep/x.tab"), 1, "/none/deep, which is no folder; make it"),
    (("build", "FOLDER", "-o", "FOLDER"), 2, "another file than the trained model"),
    (("build", "FOLDER", "-o", "OUT", "--format", "foo:4/row/absmax"), 2, "accepted"),
    (("build", "FOLDER", "-o", "OUT", "--format", "*foo*=int:4/row/absmax"), 2, "pattern"),
    (("check", "none.tab"), 1, "[none.tab] it must be readable, but got no such file or folder"),
    (
        ("check", "TAB", "--against", "none.gguf", "--text", "TAB"),
        1,
        "[none.gguf] it must be readable, but got no such",
    ),
    (("check", "GGUF"), 1, "it must be a table model, but got a GGUF file; build one of it first: tabulae build "),
    (("bench", "GGUF"), 1, "it must be a table model, but got a GGUF file; build one of it first: tabulae build "),
    (("check", "TAB", "--against", "FOLDER"), 2, "together"),
    (("check", "FOLDER"), 1, "it must be a table model, but got a folder; build one of it first: tabulae build "),
    (("bench", "FOLDER"), 1, "it must be a table model, but got a folder; build one of it first: tabulae build "),
    (("bench", "none.tab"), 1, "[none.tab] it must be readable, but got no such file or folder"),
    (("info", "none.tab"), 1, "[none.tab] it must be readable, but got no such file or folder"),
    (("info", "none"), 1, "[none] it must be readable, but got no such"),
    (("info", "TEXT"), 1, "accepted: a table model (*.tab), or a GGUF file"),
    (("info", "TEXT", "--statistics"), 1, "accepted: a table model (*.tab), or a GGUF file"),
    (("run", "TEXT", "x"), 1, "accepted: a table model (*.tab), or a GGUF file"),
    (("plan", "FOLDER", "--bits", 9, "--calibration", "none"), 1, "[none] it must be readable, but got no such file"),
    (("plan", "FOLDER", "--bits", 9, "--by", "data-free", "--calibration", "TEXT"), 2, "leave --calibration out"),
    (
        ("build", "FOLDER", "--plan", "none", "-o", "OUT"),
        1,
        "[none] it must be readable, but got no such file or folder",
    ),
    (("frobnicate",), 2, "frobnicate"),
    (("run",), 2, "MODEL"),
]


@pytest.mark.parametrize(("words", "code", "text"), MISTAKES, ids=lambda value: str(value)[:60])
def test_mistakes(tabulae, tiny_tab, tiny_folder, tmp_path, tmp_path_factory, words, code, text):
    others = tmp_path_factory.mktemp("others")
    (others / "m.gguf").write_bytes(b"GGUF" + bytes(200))
    (others / "m.txt").write_text("no model")
    places = {"TAB": tiny_tab, "FOLDER": tiny_folder, "OUT": tmp_path / "m.tab"}
    places |= {"GGUF": others / "m.gguf", "TEXT": others / "m.txt"}
    got, _, err = tabulae(*(places.get(word, word) for word in words))
    assert (got, text in err) == (code, True), err
    if text not in ("guess", "frobnicate", "MODEL"):  # those are the parser's
        assert len(err.strip().splitlines()) == 1 and "but got" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", ["info", "build", "run", "check", "bench"])
def test_help_has_examples(tabulae, verb):
    code, out, _ = tabulae(verb, "--help")
    assert code == 0 and "Examples" in out and f"tabulae {verb} " in out


def test_importing_is_light():
    heavy = ["numpy", "scipy", "gguf", "tokenizers", "torch", "typer", "rich", "jinja2", "safetensors"]
    script = f"import tabulae, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_loading_needs_nothing_heavy(tiny_tab):
    heavy = ["scipy", "gguf", "torch", "typer", "safetensors", "tokenizers", "jinja2"]
    script = f"import tabulae, sys; tabulae.load({str(tiny_tab)!r}); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_generic_path_alone_says_the_same(tiny_tab):
    script = f"import tabulae; print(tabulae.load({str(tiny_tab)!r}).generate('the inn', max_tokens=8).tokens)"
    ways = [{**os.environ, "TABULAE_ISA": isa} for isa in ("generic", _native.isas()[0])]
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=env)
        for env in ways
    ]
    assert runs[0].stdout == runs[1].stdout != ""


def test_an_isa_that_is_not_there(tabulae, tiny_tab, monkeypatch):
    monkeypatch.setenv("TABULAE_ISA", "mmx")
    code, _, err = tabulae("run", tiny_tab, "x")
    assert code == 2 and "accepted" in err and "generic" in err
