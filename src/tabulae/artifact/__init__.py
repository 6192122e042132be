"""The ``.tab`` file: its records, layouts, writer, reader and full verification (``docs/format.md``).

>>> import tempfile, numpy as np
>>> from tabulae.artifact.reader import open_table_model
>>> from tabulae.artifact.records import FloatRecord
>>> from tabulae.artifact.writer import TableModelWriter
>>> with tempfile.TemporaryDirectory() as folder:
...     with TableModelWriter(f"{folder}/m.tab", [FloatRecord(name="norm.weight", shape=(2,))]) as writer:
...         writer.write_float("norm.weight", np.array([1, -2], np.float32))
...     with open_table_model(f"{folder}/m.tab", verify=True) as file:
...         file.float("norm.weight")
array([ 1., -2.], dtype=float32)
"""
