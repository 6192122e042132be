"""The kept process that renders chat templates, seen from its owner: started, asked, ended, started again.

Why it is a process: :mod:`tabulae.text.template_process`. It takes a tenth of a second to start, so whoever knows that
there will be a chat calls :func:`start` before the model is loaded. It ends with its owner, as its input does.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, cast

from tabulae.errors import ModelError
from tabulae.text.template_process import CPU_SECONDS, OUTPUT

LATE = 60  # seconds: on a busy machine two seconds of computing may take long
_SCRIPT = Path(__file__).with_name("template_process.py")
_MOST = 16 * OUTPUT  # bytes of a reply: JSON takes up to six for one


class Renderer:
    """One process at a time; calls from several threads take turns."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Have a process ready.

        :raises ModelError: none can be started
        """
        with self._turn:
            self._running()

    def ask(self, template: str, variables: Mapping[str, Any]) -> dict[str, str]:
        """The reply to one request (:mod:`tabulae.text.template_process`); a process that ended has ``failed``.

        :raises ModelError: no process can be started
        """
        request = json.dumps({"template": template, "variables": variables}).encode() + b"\n"
        with self._turn:
            process = self._running()
            try:
                reply = _exchange(process, request)
            except BaseException:  # half an answer must not be taken for the next one
                self._end()
                raise
            if reply.endswith(b"\n"):
                return cast(dict[str, str], json.loads(reply))
            return {"failed": _cause(self._end())}

    def close(self) -> None:
        """End the process; the next request starts another."""
        with self._turn:
            self._end()

    def forget(self) -> None:
        """Begin anew in a forked child: the process is its parent's, and the turn may be a thread's that it lacks."""
        self._turn, self._process = threading.Lock(), None

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = _started()
        return self._process

    def _end(self) -> int:
        """Its exit status; 0 where there is none."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.kill()  # nothing happens where it has ended by itself
        for pipe in _pipes(process):
            with suppress(OSError):  # what it has not read is lost with it
                pipe.close()
        return process.wait()


def _started() -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-I", "-S", "-X", "utf8", str(_SCRIPT), *_places()]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    try:  # in a process group of its own: Ctrl-C is for the owner
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, process_group=0)
    except (OSError, ValueError) as error:  # an embedded Python has no program of its own to run
        raise ModelError("chat", "a process for the chat template must start", error, "use a plain prompt") from None


def _places() -> list[str]:
    """The folders that hold jinja2 and what it imports."""
    specs = {name: find_spec(name) for name in ("jinja2", "markupsafe")}
    missing = [name for name, spec in specs.items() if spec is None or spec.origin is None]
    if missing:
        raise ModelError("chat", "a chat template needs jinja2", f"no {missing[0]}", f"pip install {missing[0]}")
    return sorted({str(Path(spec.origin).parents[1]) for spec in specs.values() if spec and spec.origin})


def _exchange(process: "subprocess.Popen[bytes]", request: bytes) -> bytes:
    """One line for another, which lacks its end where the process ended first."""
    to, back = _pipes(process)
    late = threading.Timer(LATE, process.kill)
    late.daemon = True
    late.start()
    try:
        with suppress(BrokenPipeError):
            to.write(request)
            to.flush()
        return back.readline(_MOST)
    finally:
        late.cancel()


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    return cast(tuple[IO[bytes], IO[bytes]], (process.stdin, process.stdout))


def _cause(status: int) -> str:
    """Why a process that ended with ``status`` did not answer."""
    if status == -signal.SIGPROF:
        return f"more than {CPU_SECONDS} s of computing"
    if status == -signal.SIGKILL:
        return f"its process was killed, by the system or for giving no answer within {LATE} s"
    return f"its process ended with {f'signal {-status}' if status < 0 else f'status {status}'}"


_kept = Renderer()
start, ask = _kept.start, _kept.ask
atexit.register(_kept.close)
os.register_at_fork(after_in_child=_kept.forget)
