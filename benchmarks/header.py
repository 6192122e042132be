"""What a table costs in the header of a table model: all of it but the program and the float records, by tables.

.venv/bin/python benchmarks/header.py m.tab
"""

import sys

import msgspec

from tabulae.artifact.document import Document
from tabulae.artifact.reader import open_table_model
from tabulae.artifact.records import TableRecord


def header_per_table(path: str) -> float:
    """Spaces, tokenizer and provenance are counted."""
    with open_table_model(path) as file:
        document, size = file.document, file.head
    tables = tuple(record for record in document.tensors if isinstance(record, TableRecord))
    bare = msgspec.structs.replace(document, program=msgspec.Raw(b""), tensors=tables)
    return (size - _text(document) + _text(bare)) / len(tables)


def _text(document: Document) -> int:
    """The header without the spaces behind it."""
    return len(document.head().rstrip(b" "))


if __name__ == "__main__":
    print(f"{header_per_table(sys.argv[1]):.0f} bytes of header a table")
