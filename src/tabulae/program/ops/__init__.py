"""Operations, one file each: record, check, NumPy meaning, what passes may do to it. The folder scans itself."""

import functools
from importlib import import_module
from operator import or_
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from tabulae.program.operation import Operation

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

OPERATIONS: dict[str, type[Operation]] = {str(one.__struct_config__.tag): one for one in Operation.__subclasses__()}

if TYPE_CHECKING:
    AnyOperation = Operation
else:
    AnyOperation: Any = functools.reduce(or_, OPERATIONS.values())
