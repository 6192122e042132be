"""Every way of being malformed that we know, refused when the file is opened, with an error that says what.

Files are sealed again after the change, so it is the check itself that is tested and not the seal.
"""

import contextlib
import copy
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabulae.artifact.reader import open_table_model
from tabulae.artifact.verify import verify
from tabulae.errors import TableModelError


def document(*path_and_value):
    """Put a value into the document, at a path of keys."""
    return lambda model: put(model.document, *path_and_value)


def header(*path_and_value):
    """Put a value into the header."""
    return lambda model: put(model.header, *path_and_value)


def put(tree, *path_and_value):
    *path, key, value = path_and_value
    for step in path:
        tree = tree[step]
    tree[key] = value


def drop(part, *path):
    """Take a key away."""

    def change(model):
        tree = getattr(model, part)
        for step in path[:-1]:
            tree = tree[step]
        del tree[path[-1]]

    return change


def poke(part, offset, *values):
    """Put bytes into a part."""
    return lambda model: model.poke(part, offset, bytes(values))


def outlier_of(value):
    """Store outliers in four bytes, the first of them ``value``."""

    def change(model):
        model.document["tensors"][0]["outlier_bytes"] = 4  # three values take as many whole lines as before
        model.poke("q.weight.outlier_values", 0, b"".join(v.to_bytes(4, "little", signed=True) for v in (value, 5, 9)))

    return change


def text(part, change):
    """Change the JSON text, or with ``whole`` the bytes of the file."""
    return lambda model: setattr(model, part, change)


def replaced(part, old, new):
    """Replace the first occurrence in the JSON text."""
    return text(part, lambda was: was.replace(old, new, 1))


def at(offset, values):
    """Overwrite bytes of the file; the seal is the last 64."""
    return text("whole", lambda was: was[:offset] + values + was[offset % len(was) + len(values) :])


def rename(new, tensor=1):
    """Another name for the float tensor, everywhere."""

    def change(model):
        old = model.document["tensors"][tensor]["name"]
        model.document["tensors"][tensor]["name"] = new
        model.header[new] = model.header.pop(old)

    return change


def length(value):
    """Another length of the header."""
    return at(0, value.to_bytes(8, "little"))


SEAL = {
    "empty file": (
        text("whole", lambda was: b""),
        r"\[file\] its size must be a multiple of 64, at least 128, but got 0",
    ),
    "one block": (text("whole", lambda was: was[-64:]), r"\[file\] its size .* but got 64"),
    "odd size": (text("whole", lambda was: was + b"\0"), r"\[file\] its size must be a multiple of 64"),
    "no seal": (text("whole", lambda was: was + bytes(64)), r"the last 64 bytes must be the seal.* no table model"),
    "later version": (at(-56, b"\2"), r"\[seal\] the version must be 1, but got 2; update tabulae"),
    "seal: first spare bytes": (at(-52, b"\1"), r"\[seal\] it must match the header"),
    "seal: last spare byte": (at(-1, b"\1"), r"\[seal\] it must match the header"),
    "seal: digest": (at(-48, b"0123456789abcdef"), r"\[seal\] it must match the header"),
    "header altered": (at(100, b"#"), r"\[seal\] it must match the header.*altered"),
    "header longer than 100 MB": (length(2**40), r"\[header\] its length must be at most 100000000"),
    "header length of 2^64 - 1": (length(2**64 - 1), r"\[header\] its length must be at most 100000000"),
    "header longer than the file": (
        length(64 * 1000 - 8),
        r"\[header\] the data must start at a multiple of 64 inside",
    ),
    "header not aligned": (
        length(801),
        r"\[header\] the data must start at a multiple of 64 inside the file, but got 809",
    ),
    "header without room": (
        length(0),
        r"\[header\] the data must start at a multiple of 64 inside the file, but got 8",
    ),
}

HEADER = {
    "not JSON": (text("header_text", lambda was: b"{]}"), r"\[header\] it must be JSON"),
    "an array": (text("header_text", lambda was: b"[]"), r"\[header\] it must be one JSON object"),
    "space first": (text("header_text", lambda was: b" " + was), r"\[header\] it must be one JSON object"),
    "newline last": (text("header_text", lambda was: was + b"\n"), r"\[header\] it must be one JSON object"),
    "not UTF-8": (replaced("header_text", b"tokenizer", b"token\xff"), r"\[header\] it must be JSON.*utf-8"),
    "UTF-16": (
        text("header_text", lambda was: was.decode().encode("utf-16")),
        r"\[header\] it must be one JSON object",
    ),
    "duplicate key": (
        replaced("header_text", b'"norm.weight":', b'"norm.weight": 0, "norm.weight":'),
        r"\[header\] it must be JSON without duplicate keys, but got duplicate key 'norm.weight'",
    ),
    "duplicate key inside": (replaced("header_text", b'"dtype"', b'"dtype": "U8", "dtype"'), "duplicate key 'dtype'"),
    "not a number": (replaced("header_text", b"[0,", b"[NaN,"), r"\[header\].* the constant NaN"),
    "too deep": (text("header_text", lambda was: b'{"a":' + b"[" * 10**5 + b"}"), r"\[header\] .*recursion"),
    "no metadata": (drop("header", "__metadata__"), "__metadata__ must hold .* but got None"),
    "metadata no object": (header("__metadata__", "pt"), "__metadata__ must hold"),
    "other format": (header("__metadata__", "format", "tf"), "__metadata__ must hold format 'pt'"),
    "more metadata": (header("__metadata__", "more", "x"), "__metadata__ must hold format 'pt' and one document"),
    "document no string": (header("__metadata__", "tabulae", {}), "the document must be a string, but got dict"),
    "other dtype": (header("norm.weight", "dtype", "F32"), r"every slot must be U8.*at `\$\[...\].dtype`"),
    "more fields": (header("norm.weight", "more", 1), "every slot must be U8.*unknown field `more`"),
    "fewer fields": (drop("header", "norm.weight", "shape"), "every slot must be U8.*missing required field `shape`"),
    "float offset": (header("norm.weight", "data_offsets", [1280.0, 1344]), "Expected `int`, got `float`"),
    "offset beyond 64 bits": (header("norm.weight", "data_offsets", [2**64, 2**65]), r"it must lie at"),
    "negative offset": (header("norm.weight", "data_offsets", [-64, 0]), r"\[slot norm.weight\] it must lie at"),
    "offset 2^63 - 1": (header("norm.weight", "data_offsets", [0, 2**63 - 1]), r"\[slot norm.weight\] it must lie at"),
    "two axes": (header("norm.weight", "shape", [64, 1]), r"\[slot norm.weight\] it must lie at"),
    "other shape": (header("norm.weight", "shape", [128]), r"it must lie at \[1280, 1344\] with shape \[64\], but got"),
    "offsets reversed": (header("norm.weight", "data_offsets", [1344, 1280]), r"\[slot norm.weight\] it must lie at"),
    "gap": (
        header("norm.weight", "data_offsets", [1344, 1408]),
        r"\[slot norm.weight\] it must lie at.*gap or overlap",
    ),
    "overlap": (header("norm.weight", "data_offsets", [1216, 1280]), r"\[slot norm.weight\] it must lie at"),
    "slot missing": (drop("header", "norm.weight"), r"\[slot norm.weight\] header and document must list the same"),
    "slot too many": (
        header("x", {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}),
        r"\[slot x\] header and doc",
    ),
    "seal missing": (drop("header", "tabulae.seal"), r"\[slot tabulae.seal\] header and document must list the same"),
    "seal elsewhere": (header("tabulae.seal", "data_offsets", [0, 64]), r"\[slot tabulae.seal\] it must lie at"),
    "data too long": (lambda model: model.data.extend(bytes(64)), r"\[file\] it must have \d+ bytes of data"),
    "data too short": (
        lambda model: model.data.__delitem__(slice(-64, None)),
        r"\[file\] it must have \d+ bytes of data",
    ),
}

DOCUMENT = {
    "not JSON": (text("document_text", lambda was: was[:-1]), r"\[document\] it must be JSON"),
    "null": (text("document_text", lambda was: "null"), r"\[document\] it must follow the schema, but got Expected"),
    "duplicate key": (replaced("document_text", '"rows"', '"rows": 1, "rows"'), "duplicate key 'rows'"),
    "duplicate key in the program": (replaced("document_text", '"eps"', '"eps": 1, "eps"'), "duplicate key 'eps'"),
    "not a number in the program": (replaced("document_text", "1e-05", "Infinity"), "the constant Infinity"),
    "later schema": (document("schema", 3), r"its schema must be 2, but got 3; update tabulae"),
    "first schema": (document("schema", 1), r"its schema must be 2, but got 1; rebuild it from the source"),
    "schema of text": (document("schema", "2"), r"Expected `int`, got `str` - at `\$.schema`"),
    "table of contents of the first schema": (document("entries", []), "unknown field `entries`"),
    "no schema": (drop("document", "schema"), "missing required field `schema`"),
    "unknown feature": (
        document("required", ["time-travel"]),
        r"must know what it requires, but got \['time-travel'\]",
    ),
    "required no list": (document("required", "x"), r"Expected `array`, got `str` - at `\$.required`"),
    "unknown field": (document("more", 1), "unknown field `more`"),
    "unknown field in a tensor": (document("tensors", 0, "more", 1), r"unknown field `more` - at `\$.tensors\[0\]`"),
    "missing field in a tensor": (drop("document", "tensors", 0, "chunk"), "missing required field `chunk`"),
    "unknown kind": (document("tensors", 0, "kind", "vector"), r"Invalid value 'vector' - at `\$.tensors\[0\].kind`"),
    "no program": (drop("document", "program"), "missing required field `program`"),
    "provenance of numbers": (document("provenance", "name", 3), r"Expected `str`, got `int` - at `\$.provenance"),
    "no rows": (document("tensors", 0, "rows", 0), r"Expected `int` >= 1 - at `\$.tensors\[0\].rows`"),
    "negative rows": (document("tensors", 0, "rows", -18), "Expected `int` >= 1"),
    "2^31 rows": (document("tensors", 0, "rows", 2**31), "Expected `int` <= 2147483647"),
    "2^64 rows": (document("tensors", 0, "rows", 2**64), "Expected `int` <= 2147483647"),
    "rows of text": (document("tensors", 0, "rows", "18"), "Expected `int`, got `str`"),
    "true columns": (document("tensors", 0, "cols", True), "Expected `int`, got `bool`"),
    "most rows and columns": (
        lambda model: model.document["tensors"][0].update(rows=2**31 - 1, cols=2**31 - 1, outliers=0, group=32),
        r"\[slot q.weight\] it must lie at \[0, \d{19}\] with shape \[\d{19}\], but got \[0, 1280\]",
    ),
    "more rows": (document("tensors", 0, "rows", 33), r"\[slot q.weight\] it must lie at \[0, 1856\]"),
    "fewer rows": (document("tensors", 0, "rows", 16), r"\[slot q.weight\] it must lie at \[0, 896\]"),
    "rows that fit the padding": (document("tensors", 0, "rows", 19), "outlier offsets must rise from 0 to 3"),
    "more columns": (document("tensors", 0, "cols", 70), r"\[slot q.weight\] it must lie at \[0, 1728\]"),
    "more bits": (document("tensors", 0, "bits", 4), r"\[slot q.weight\] it must lie at \[0, 1536\]"),
    "no bits": (document("tensors", 0, "bits", 0), "Expected `int` >= 1"),
    "9 bits": (document("tensors", 0, "bits", 9), "Expected `int` <= 8"),
    "E of 8": (document("tensors", 0, "exponents", 8), "Expected `int` <= 7"),
    "negative E": (document("tensors", 0, "exponents", -1), "Expected `int` >= 0"),
    "group of 20": (document("tensors", 0, "group", 20), r"\[tensor q.weight\] a scale group must be a multiple of 32"),
    "group of 96": (document("tensors", 0, "group", 96), "at most the blocks of a row, but got 96"),
    "group without multipliers": (
        document("tensors", 2, "group", 32),
        r"\[tensor head.weight\] without multipliers the group must be all 12 columns, but got 32",
    ),
    "other granularity": (drop("document", "tensors", 2, "granularity"), "a scale group must be a multiple of 32"),
    "multipliers that are not there": (
        lambda model: model.document["tensors"][2].update(granularity="group", group=32),
        r"\[slot head.weight\] it must lie at \[1344, 2624\]",
    ),
    "unknown granularity": (document("tensors", 0, "granularity", "block"), "Invalid enum value 'block'"),
    "unknown layout": (document("tensors", 0, "layout", "panel17"), r"\[layout\] the layout must be known"),
    "layout that is a module": (document("tensors", 0, "layout", "..reader"), r"\[layout\] the layout must be known"),
    "3-byte codepoints": (document("tensors", 0, "codepoint_bytes", 3), "Invalid enum value 3"),
    "2-byte codepoints": (
        document("tensors", 0, "codepoint_bytes", 2),
        "the codebook must lie in -8191..8191, but got 32576",
    ),
    "chunk of 3": (document("tensors", 0, "chunk", 3), r"the chunk must be a power of two up to 1 blocks, but got 3"),
    "chunk of 2": (document("tensors", 0, "chunk", 2), r"the chunk must be a power of two up to 1 blocks, but got 2"),
    "no chunk": (document("tensors", 0, "chunk", 0), "Expected `int` >= 1"),
    "16-bit accumulator": (document("tensors", 0, "accumulator", 16), "Invalid enum value 16"),
    "outliers beyond uint16": (
        lambda model: model.document["tensors"][0].update(cols=65537),
        "a tensor with outliers must have at most 65536 columns",
    ),
    "more outliers": (document("tensors", 0, "outliers", 4), r"outlier offsets must rise from 0 to 4"),
    "3-byte outliers": (document("tensors", 0, "outlier_bytes", 3), "Invalid enum value 3"),
    "rotation of other columns": (
        document("tensors", 2, "rotation", [4, 4]),
        "the orders of the rotation must multiply to 12",
    ),
    "rotation of an impossible order": (
        document("tensors", 2, "rotation", [2, 6]),
        "an order of a rotation must be .*got 6",
    ),
    "rotation by one": (document("tensors", 2, "rotation", [12, 1]), "an order of a rotation must be .*got 1"),
    "rotation of 32 orders": (document("tensors", 2, "rotation", [12] + [1] * 31), "Expected `array` of length <= 31"),
    "rotation of zero": (document("tensors", 2, "rotation", [12, 0]), "Expected `int` >= 1"),
    "rotation not stored": (drop("document", "tensors", 2, "rotation"), r"\[slot head.weight\] it must lie at"),
    "name without characters": (rename(""), r"\[name\] a name must have 1 to 256 characters, but got 0"),
    "long name": (rename("x" * 257), r"\[name\] a name must have 1 to 256 characters, but got 257"),
    "name with a newline": (rename("a\nb"), r"\[name\] a name must consist of printable characters"),
    "name with an escape": (rename("a\x1b[2J"), r"\[name\] a name must consist of printable characters"),
    "name that turns text round": (rename("a\u202eb"), r"\[name\] a name must consist of printable characters"),
    "name with a surrogate": (rename("a\ud800"), r"\[document\] it must follow the schema"),
    "reserved name": (rename("tabulae.x"), r"\[name\] names that start with 'tabulae.' must be of blobs"),
    "name of the metadata": (document("tensors", 1, "name", "__metadata__"), r"\[name\] names that start with"),
    "same name twice": (document("tensors", 2, "name", "q.weight"), r"\[tensor\] every name must be used once"),
    "name of the seal": (document("tensors", 1, "name", "tabulae.seal"), r"\[name\] names that start with"),
    "blob without the prefix": (
        document("blobs", 0, "name", "tokenizer"),
        r"\[name\] names that start with 'tabulae.'",
    ),
    "blob named seal": (document("blobs", 0, "name", "tabulae.seal"), r"\[name\] names that start with 'tabulae.'"),
    "longer blob": (
        document("blobs", 0, "bytes", 65),
        r"\[slot tabulae.tokenizer\] it must lie at .* \[128\], but got",
    ),
    "negative blob": (document("blobs", 0, "bytes", -1), "Expected `int` >= 0"),
    "scalar": (document("tensors", 1, "shape", []), "Expected `array` of length >= 1"),
    "nine axes": (document("tensors", 1, "shape", [1] * 9), "Expected `array` of length"),
    "empty axis": (document("tensors", 1, "shape", [5, 0]), "Expected `int` >= 1"),
    "larger float": (document("tensors", 1, "shape", [17]), r"\[slot norm.weight\] it must lie at \[1280, 1408\]"),
    "no hash": (drop("document", "tensors", 0, "hash"), r"\[tensor q.weight\] it must have a hash, but got none"),
    "null for a hash": (document("tensors", 1, "hash", None), r"\[tensor norm.weight\] it must have a hash, but got"),
    "blob without a hash": (drop("document", "blobs", 0, "hash"), r"\[blob tabulae.tokenizer\] it must have a hash"),
    "empty hash": (document("tensors", 0, "hash", ""), "Expected `str` matching regex"),
    "long hash": (document("tensors", 0, "hash", "0" * 17), "Expected `str` matching regex"),
    "hash and a newline": (document("tensors", 0, "hash", "0" * 16 + "\n"), "Expected `str` matching regex"),
    "column_scale of text": (document("tensors", 0, "column_scale", "x"), "Expected `bool`, got `str`"),
    "feedback of text": (document("tensors", 0, "feedback", 1), "Expected `bool`, got `int`"),
    "tensor missing": (drop("document", "tensors", 1), r"\[slot norm.weight\] header and document must list the same"),
    "long and ugly names": (document("tensors", 0, "name", "\x1b" * 10**5), r"\[name\] a name must have 1 to 256"),
    "tensors in another order": (
        lambda model: model.document["tensors"].reverse(),
        r"\[slot head.weight\] it must lie at \[0, 1216\]",
    ),
}

DATA = {
    "padding": (poke("q.weight.codebook", 63, 1), r"\[tensor q.weight\] the padding of its codebook must be zero"),
    "padding of the last part": (poke("q.weight.outlier_values", 63, 1), "the padding of its outlier_values must be"),
    "padding of a blob": (
        poke("tabulae.tokenizer.bytes", 14, 32),
        r"\[blob tabulae.tokenizer\] the padding of its bytes must be zero",
    ),
    "infinite scale": (poke("q.weight.scales", 2, 0x80, 0x7F), r"\[tensor q.weight\] every scale must be finite"),
    "scale that is no number": (poke("q.weight.scales", 2, 0xC0, 0x7F), "every scale must be finite"),
    "negative scale": (poke("q.weight.scales", 2, 0x80, 0xBF), "every scale must be finite and not negative"),
    "minus zero scale": (poke("head.weight.scales", 0, 0x00, 0x80), "every scale must be finite and not negative"),
    "width beyond int32": (
        poke("q.weight.widths", 1, 32),
        r"\[tensor q.weight\] every row must fit 31 bits, but got 32",
    ),
    "codepoint of -128": (poke("q.weight.codebook", 0, 0x80), r"the codebook must lie in -127..127, but got 128"),
    "wide codepoint": (
        poke("head.weight.codebook", 0, 0x00, 0x20),
        r"the codebook must lie in -8191..8191, but got 8192",
    ),
    "smallest int16 codepoint": (poke("head.weight.codebook", 0, 0, 0x80), r"-8191..8191, but got 32768"),
    "multiplier of a missing row": (poke("q.weight.multipliers", 63, 1), "the multipliers of missing rows must be 0"),
    "first offset": (poke("q.weight.outlier_offsets", 0, 1), r"outlier offsets must rise from 0 to 3"),
    "last offset": (poke("q.weight.outlier_offsets", 72, 4), r"outlier offsets must rise from 0 to 3"),
    "huge offset": (poke("q.weight.outlier_offsets", 15, 255), r"outlier offsets must rise from 0 to 3"),
    "falling offsets": (poke("q.weight.outlier_offsets", 16, 1), r"outlier offsets must rise from 0 to 3"),
    "column beyond the row": (poke("q.weight.outlier_columns", 2, 40), r"outlier columns must be below 40, but got 40"),
    "column far beyond": (poke("q.weight.outlier_columns", 5, 255), r"outlier columns must be below 40, but got 65280"),
    "falling columns": (poke("q.weight.outlier_columns", 0, 39, 0, 4), r"outlier columns of a row must ascend"),
    "outlier of 2^24": (outlier_of(2**24), r"the outliers must lie in -16777215..16777215, but got 16777216"),
    "smallest outlier": (outlier_of(-(2**31)), r"the outliers must lie in -16777215..16777215, but got 2147483648"),
    "same column twice": (poke("q.weight.outlier_columns", 0, 39), r"outlier columns of a row must ascend"),
    "unused sign bits": (
        poke("head.weight.signs", 1, 0x10),
        r"\[tensor head.weight\] the unused bits of the signs must be 0",
    ),
}


def cases(**groups):
    return [
        pytest.param(change, match, id=f"{group}-{name.replace(' ', '_')}")
        for group, table in groups.items()
        for name, (change, match) in table.items()
    ]


@pytest.mark.parametrize("change, match", cases(seal=SEAL, header=HEADER, document=DOCUMENT, data=DATA))
def test_is_refused(altered, tmp_path, change, match):
    change(altered)
    path = altered.save(tmp_path / "altered.tab")
    with pytest.raises(TableModelError) as error:
        open_table_model(path)
    assert re.search(match, str(error.value), re.DOTALL)
    assert len(str(error.value)) < 600


def test_width_beyond_int64_is_refused(altered, tmp_path):
    altered.document["tensors"][0]["accumulator"] = 64
    altered.poke("q.weight.widths", 0, b"\x35")
    open_table_model(altered.save(tmp_path / "fine.tab")).close()
    altered.poke("q.weight.widths", 0, b"\x36")
    with pytest.raises(TableModelError, match="every row must fit 53 bits, but got 54"):
        open_table_model(altered.save(tmp_path / "altered.tab"))


def test_a_model_sealed_again_without_a_change_is_fine(altered, tmp_path):
    """So the cases above are refused for what they change."""
    assert json.loads(json.dumps(altered.document)) == altered.document
    open_table_model(altered.save(tmp_path / "same.tab"), verify=True).close()


JUNK = (
    0,
    1,
    -1,
    2**31,
    2**63,
    2**64,
    10**400,
    1.5,
    True,
    None,
    "",
    "x",
    "\x00",
    "q.weight",
    [],
    {},
    [0],
    [None] * 9,
    {"a": 1},
)


def paths(tree, path=()):
    """All places in a JSON value."""
    for key in tree if isinstance(tree, dict) else range(len(tree)):
        yield (*path, key)
        if isinstance(tree[key], dict | list):
            yield from paths(tree[key], (*path, key))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_junk_anywhere(tiny, model, tmp_path_factory, data):
    """Two values of header or document are replaced: refused, or read as what they now say, but never a crash."""
    altered = model.Altered(tiny.read_bytes())
    for _ in range(2):
        tree = data.draw(st.sampled_from([altered.document, altered.header]))
        put(tree, *data.draw(st.sampled_from(list(paths(tree)))), copy.deepcopy(data.draw(st.sampled_from(JUNK))))
    path = altered.save(tmp_path_factory.getbasetemp() / "junk.tab")
    with contextlib.suppress(TableModelError):
        verify(open_table_model(path))
