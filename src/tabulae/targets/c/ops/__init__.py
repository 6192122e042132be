"""One file an operation, named by its tag: ``emit(step, source)`` writes a function and its call."""
