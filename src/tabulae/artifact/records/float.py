"""A tensor that stays float32."""

from typing import Annotated

import numpy as np
from msgspec import Meta

from tabulae.artifact.record import Arrays, Count, Part, Record


class FloatRecord(Record, frozen=True, kw_only=True, tag_field="kind", tag="float"):
    """A tensor stored as float32, row-major.

    >>> FloatRecord(name="norm.weight", shape=(576,)).parts()
    (Part(name='values', dtype='F32', shape=(576,)),)
    """

    shape: Annotated[tuple[Count, ...], Meta(min_length=1, max_length=8)]

    @property
    def format(self) -> str:
        """Its only one."""
        return "float32"

    def parts(self) -> tuple[Part, ...]:
        """Its values."""
        return (Part("values", "F32", self.shape),)

    def verify(self, arrays: Arrays) -> None:
        """Every value is finite."""
        if not np.isfinite(arrays["values"]).all():
            raise self.error("every value must be finite", "NaN or infinity")
