"""Forms in which sums of products are computed, one file each: ``cost(edges, word)`` and ``body(edges, source)``.

Every form gives the same integers; which is taken for an operation, its estimate decides.
"""

from pathlib import Path

FORMS = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
