"""Kinds of tensors in a table model, one file each: its record, the parts that it asks for, what must hold of them.

The folder scans itself; the tag of a record (``kind`` in the file) is the name of its file.
"""

from functools import reduce
from importlib import import_module
from operator import or_
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from tabulae.artifact.record import Record
from tabulae.artifact.records.array import ArrayRecord
from tabulae.artifact.records.float import FloatRecord
from tabulae.artifact.records.table import TableRecord

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

KINDS: dict[str, type[Record]] = {
    str(one.__struct_config__.tag): one for one in Record.__subclasses__() if one.__module__.startswith(__name__)
}

if TYPE_CHECKING:
    TensorRecord = Record
else:
    TensorRecord: Any = reduce(or_, KINDS.values())

__all__ = ["KINDS", "ArrayRecord", "FloatRecord", "TableRecord", "TensorRecord"]
