"""The real command with streams that are closed, full, given up or of another encoding, and with interrupts."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

COMMAND = [sys.executable, "-m", "tabulae"]
FULL = "[standard output] it must be writable, but got No space left on device"
READ_ONLY = "[standard output] it must be writable, but got Bad file descriptor"
STATES = {
    "stdin closed": ("<&-", 0, None),
    "stdout closed": (">&-", 0, None),
    "stderr closed": ("2>&-", 0, None),
    "all closed": ("<&- >&- 2>&-", 0, None),
    "stdout full": (">/dev/full", 1, FULL),
    "stdout only to read": ("1</dev/null", 1, READ_ONLY),
    "stderr full": ("2>/dev/full", 0, None),
}
VERBS = {
    "info": ("info", "TAB", "--json"),
    "build": ("build", "FOLDER", "-o", "OUT", "--json"),
    "run": ("run", "TAB", "the inn", "--max-tokens", "200", "--json"),
    "plan": ("plan", "FOLDER", "--bits", "9", "--by", "data-free", "-o", "OUT", "--json"),
    "check": ("check", "TAB", "--json"),
    "bench": ("bench", "TAB", "--rounds", "1", "--threads", "1", "--json"),
}
CASES = [
    *(("info", state) for state in STATES),
    *(("build", state) for state in ("stderr closed", "all closed", "stdout full", "stderr full")),
    *((verb, "stdout full") for verb in ("run", "plan", "check", "bench")),
    ("run", "all closed"),
]


@pytest.fixture
def words(tiny_tab, tiny_folder, tmp_path):
    places = {"TAB": str(tiny_tab), "FOLDER": str(tiny_folder), "OUT": str(tmp_path / "out")}
    return lambda verb: [places.get(word, word) for word in VERBS[verb]]


def shell(words, redirection, **more):
    """A command under a redirection that only a shell can make."""
    line = ["bash", "-c", f'"$@" {redirection}', "bash", *COMMAND, *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, **more)


@pytest.mark.parametrize(("verb", "state"), CASES)
def test_streams(words, tiny_tab, tmp_path, verb, state):
    """Silence or one line, the right exit code, and the whole file where one is written."""
    redirection, code, line = STATES[state]
    done = shell(words(verb), redirection)
    errors = [] if line is None else [f"error: {line}"]
    assert (done.returncode, done.stderr.splitlines()) == (code, errors)
    if verb == "build":
        assert (tmp_path / "out").read_bytes() == tiny_tab.read_bytes()


def test_a_reader_that_goes_away(words):
    done = shell(words("info"), "| true; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stderr) == (1, "")


def test_a_file_name_that_is_no_text(tiny_folder, tmp_path):
    """JSON says it as Python does."""
    words = [*COMMAND, "build", str(tiny_folder), "-o", os.fsencode(tmp_path) + b"/\xff.tab", "--json"]
    done = subprocess.run(words, capture_output=True, check=True)
    assert json.loads(done.stdout)["path"] == f"{tmp_path}/\udcff.tab"


def test_input_that_comes_late_and_does_not_block(tiny_tab):
    out, into = os.pipe()
    os.set_blocking(out, False)
    command = [sys.executable, "-m", "tabulae", "run", str(tiny_tab), "--max-tokens", "1", "--json"]
    with subprocess.Popen(command, stdin=out, stdout=subprocess.PIPE, text=True) as running:
        os.close(out)
        for half in (b"first half, ", b"second half"):
            time.sleep(0.5)
            os.write(into, half)
        os.close(into)
        late = json.loads(running.communicate(timeout=60)[0])
    whole = subprocess.run([*command[:5], "first half, second half", *command[5:]], capture_output=True, check=True)
    assert late == json.loads(whole.stdout) | {"seconds": late["seconds"]}


def test_no_input(tiny_tab):
    done = shell(["run", str(tiny_tab)], "<&-")
    assert done.returncode == 2 and "an empty prompt" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("more", [(), ("--chat",)])
def test_input_that_is_no_text(tiny_tab, more):
    done = subprocess.run([*COMMAND, "run", str(tiny_tab), *more], input=b"caf\xe9\n", capture_output=True, timeout=120)
    errors = ["error: [standard input] it must be UTF-8, but got invalid continuation byte"]
    assert (done.returncode, done.stderr.decode().splitlines()) == (2, errors)


@pytest.mark.parametrize("locale", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_the_encoding_changes_no_text(tiny_tab, locale):
    """Prompts are UTF-8 in every locale, JSON stays JSON, and what cannot be written is escaped."""
    words, env = [*COMMAND, "run", str(tiny_tab), "--max-tokens", "20"], {**os.environ, **locale}
    usual = subprocess.run([*words, "café"], capture_output=True, env={**os.environ, "PYTHONUTF8": "1"}, check=True)
    escaped = subprocess.run(words, input="café".encode(), capture_output=True, env=env, check=True)
    document = subprocess.run([*words, "café", "--json"], capture_output=True, env=env, check=True)
    text = usual.stdout.decode()
    assert not text.isascii() and escaped.stdout == text.encode("ascii", "backslashreplace")
    assert document.stdout.isascii() and json.loads(document.stdout)["text"] == text.removesuffix("\n")


INTERRUPTED_WHILE = {
    "importing": "signal.raise_signal(signal.SIGINT)",
    "in a callback": "Callback()",
    "in a library": "convert()",
}


@pytest.mark.parametrize("module", ["typer", "numpy"])  # before and after the command line is read
@pytest.mark.parametrize("way", INTERRUPTED_WHILE.values(), ids=INTERRUPTED_WHILE)
def test_an_interrupt_at_any_moment(words, module, way):
    """Whether Python would lose it or a library turns it into an error of its own."""
    script = f"""
import signal, sys
from tabulae.__main__ import main
class Callback:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
def convert():
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        raise ImportError("a part of the library is missing")
class Finder:
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            {way}
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Finder())
sys.argv = ["tabulae", *sys.argv[1:]]
main()
"""
    done = subprocess.run([sys.executable, "-c", script, *words("info")], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "")


@pytest.mark.parametrize("module", ["signal", "enum", "tabulae.cli"])
def test_an_interrupt_before_the_command_listens(module):
    """Its first line is about that: no module is imported before."""
    script = f"""
import os, sys
class Finder:
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), {signal.SIGINT})
sys.meta_path.insert(0, Finder())
import tabulae.__main__
"""
    listens = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # also where these tests run in the background
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, preexec_fn=listens)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize(("ignored", "code"), [(False, 130), (True, 0)])
def test_a_conversation_is_ended(tiny_tab, ignored, code):
    """By SIGTERM, unless it was ignored when the command began."""
    script = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" if ignored else ""
    script += "from tabulae.__main__ import main; main()"
    words = [sys.executable, "-c", script, "run", str(tiny_tab), "--chat", "--max-tokens", "2"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        process.stdin.write(b"hi\n")
        process.stdin.flush()
        process.stdout.read(1)  # it answers
        process.send_signal(signal.SIGTERM)
        errors = process.communicate()[1]
    assert process.returncode == code and b"Traceback" not in errors
