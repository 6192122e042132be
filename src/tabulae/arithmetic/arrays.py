"""Names for the array types that all of the arithmetic speaks in."""

from typing import Any

import numpy as np
import numpy.typing as npt

Float64s = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Int8s = npt.NDArray[np.int8]
Uint8s = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.integer[Any]]  # as stored: of any width
