"""What tests of the command line share."""

import io
import sys

import pytest

from tabulae.cli import main as cli


@pytest.fixture
def tabulae(monkeypatch, capsys):
    """Run a command line; (exit code, stdout, stderr)."""

    def run(*words, stdin=""):
        monkeypatch.setattr(sys, "argv", ["tabulae", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run
