"""Progress where nobody looks at a terminal."""

import json

from tabulae.cli import output


def test_long_work_is_told_in_lines(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(output.time, "monotonic", lambda: now[0])
    with output.progress_bar("building") as show:
        for done in range(30):
            now[0] += 1
            show(f"tensor {done}", done, 30)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "building: 30 % tensor 9, 21 s left",
        "building: 63 % tensor 19, 11 s left",
        "building: 97 % tensor 29, 1 s left",
    ]


def test_the_time_that_is_left_is_of_the_part(monkeypatch, capsys):
    """Not known in its first step; a part that begins anew has a speed of its own."""
    now = [0.0]
    monkeypatch.setattr(output.time, "monotonic", lambda: now[0])
    with output.progress_bar("checking") as show:
        for step, part in ((1, "widths"), (20, "kernels")):
            for done in range(4):
                show(part, done, 4)
                now[0] += step
        show("logits", 0, 4)
    lines = ["50 % kernels, 40 s left", "75 % kernels, 20 s left", "0 % logits"]
    assert capsys.readouterr().err.splitlines() == [f"checking: {line}" for line in ("25 % kernels, 60 s left", *lines)]


def test_quiet_work_tells_nothing(capsys):
    with output.progress_bar("building", quiet=True) as show:
        show("importance", 1, 2)
    assert capsys.readouterr() == ("", "")


def test_a_part_that_begins_anew_resets_the_bar(monkeypatch, capsys):
    monkeypatch.setattr(output.sys.stderr, "isatty", lambda: True, raising=False)
    with output.progress_bar("building") as show:
        for part in ("importance", "sensitivity"):
            for done in range(4):
                show(part, done, 3)
    assert "sensitivity" in capsys.readouterr().err


def test_json_has_finite_numbers_alone(capsys):
    output.print_json({"perplexity": float("inf"), "kl": [float("nan"), 0.5], "name": "é"})
    assert json.loads(capsys.readouterr().out) == {"perplexity": None, "kl": [None, 0.5], "name": "é"}
