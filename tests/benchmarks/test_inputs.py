"""Texts: what is chosen on is apart from what is measured on."""

import inputs


def test_choosing_takes_the_second_half_of_valid(tmp_path, monkeypatch):
    folder = tmp_path / "wikitext-2"
    folder.mkdir()
    lines = [f"line {number}" for number in range(1000)]
    (folder / "wiki.valid.tokens").write_text("\n".join(lines))
    monkeypatch.setenv("TABULAE_DATA", str(tmp_path))
    chosen = inputs.choosing_text().splitlines()
    assert chosen == lines[-len(chosen) :] and 490 < len(chosen) <= 500
