"""The arithmetic that makes a table model bit-exact, in plain NumPy; every kernel must give the same bits."""
