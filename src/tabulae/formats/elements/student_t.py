"""``t:b,nu=5``: for weights with heavy tails; the smaller nu, the heavier.

nu = 5 unless told: the shape that the SF4 table is built on, and the heaviest that trained weights commonly show.
At RMS scale the outermost codepoints lie far out (at 8 bits and nu = 5: 142 RMS), so that even int16 codepoints are
coarse in the middle and add 7.3 % to R there (``Codebook.added``); 0.2 % at 7 bits, and nothing in blocks.

>>> StudentT(4, nu=7).codebook("absmax", 64).values.round(4)[8:]
array([0.0416, 0.1263, 0.2154, 0.3131, 0.4249, 0.5605, 0.738 , 1.    ])
"""

from dataclasses import dataclass

from tabulae.errors import UsageError
from tabulae.formats import distributions
from tabulae.formats.cube_root import CubeRootElement


@dataclass(frozen=True)
class StudentT(CubeRootElement):
    """Cube-root codepoints of Student's t density, 2 to 8 bits, nu from 3 to 1000."""

    name = "t"
    nu: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 3 <= self.nu <= 1000:
            raise UsageError("format t", "nu must be 3 to 1000", self.nu, "above that use normal")

    def source(self) -> distributions.Distribution:
        """Student's t with RMS 1."""
        return distributions.StudentT.unit(self.nu)
