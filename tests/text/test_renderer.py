"""The process that renders: limited, kept, restarted, ended with its owner."""

import os
import subprocess
import sys
from threading import Thread

import pytest

from tabulae.errors import ModelError
from tabulae.text import renderer
from tabulae.text.renderer import Renderer


@pytest.fixture
def one():
    kept = Renderer()
    yield kept
    kept.close()


def test_a_process_is_kept(one):
    one.start()
    process = one._process
    assert one.ask("{{ x }}", {"x": 1}) == one.ask("{{ x }}", {"x": 1}) == {"text": "1"}
    assert one._process is process


def test_a_killed_process_is_started_again(one):
    one.start()
    one._process.kill()
    one._process.wait()
    assert one.ask("{{ x }}", {"x": 2}) == {"text": "2"}


def test_one_that_ends_while_it_is_asked(one, monkeypatch):
    one.start()
    monkeypatch.setattr(renderer, "LATE", 0)
    assert (
        "killed"
        in one.ask("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", {})["failed"]
    )


def test_an_interrupt_leaves_no_answer_behind(one, monkeypatch):
    """The answer to a question that was given up must not be taken for that of the next one."""
    asked = []

    def interrupted(process, request):
        process.stdin.write(request)
        process.stdin.flush()
        asked.append(process)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(renderer, "_exchange", interrupted)
        with pytest.raises(KeyboardInterrupt):
            one.ask("first", {})
    assert one.ask("second", {}) == {"text": "second"} and asked[0].returncode is not None


def test_it_imports_jinja2_and_nothing_else(one, monkeypatch, tmp_path):
    """All modules of such a process after an answer: Python's own, jinja2 and what that imports."""
    script, seen = tmp_path / "watched.py", tmp_path / "modules"
    script.write_text(
        f"import runpy, sys\nrunpy.run_path({str(renderer._SCRIPT)!r}, run_name='__main__')\n"
        f"print(*sys.modules, file=open({str(seen)!r}, 'w'))"
    )
    monkeypatch.setattr(renderer, "_SCRIPT", script)
    assert one.ask("{{ x | tojson }}{% generation %}{% endgeneration %}", {"x": 1}) == {"text": "1"}
    one._process.stdin.close()  # the end of its input is its own
    assert one._process.wait(60) == 0
    names = {name.partition(".")[0] for name in seen.read_text().split()}
    assert names - sys.stdlib_module_names == {"jinja2", "markupsafe", "__main__"}


def test_it_sees_no_environment(one, monkeypatch, tmp_path):
    (tmp_path / "jinja2.py").write_text("raise SystemExit(7)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert one.ask("{{ 1 }}", {}) == {"text": "1"}
    assert os.listdir(tmp_path) == ["jinja2.py"]


def test_threads_take_turns(one):
    answers = {}

    def ask(number):
        answers[number] = one.ask("{{ x }}", {"x": number})["text"]

    threads = [Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: str(number) for number in range(8)}


def test_it_ends_with_its_owner():
    """Even with one that is killed: what is left to it is the end of its input."""
    script = (
        "from tabulae.text import renderer; import os, sys\n"
        "renderer.start(); print(renderer._kept._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    child = int(owner.stdout.readline())
    owner.stdout.read()
    owner.wait()
    owner.stdout.close()
    for _ in range(600):
        if not os.path.exists(f"/proc/{child}/exe") or _state(child) == "Z":
            return
        subprocess.run(["sleep", "0.1"], check=True)
    pytest.fail("the process goes on")


def _state(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(") ")[2][0]
    except OSError:
        return "Z"


def test_a_forked_owner_gets_a_process_of_its_own(one):
    script = (
        "import os\nfrom tabulae.text import renderer\n"
        "renderer.start(); first = renderer._kept._process.pid\n"
        "if os.fork() == 0:\n"
        "    mine = renderer.ask('{{ 1 }}', {}) == {'text': '1'} and renderer._kept._process.pid != first\n"
        "    renderer._kept.close(); os._exit(0 if mine else 1)\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]), renderer.ask('{{ 2 }}', {}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "0 {'text': '2'}\n" and done.stderr == ""


@pytest.mark.parametrize("program", ["", "/no/such/python"])
def test_a_process_that_cannot_start(one, monkeypatch, program):
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(ModelError, match="must start"):
        one.start()


def test_jinja2_is_missing(one, monkeypatch):
    monkeypatch.setattr(renderer, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install jinja2"):
        one.start()
