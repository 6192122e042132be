"""One file an operation, named by its tag: ``accepts(op, view)`` says what it reads in place, ``emit(step, source)``
writes a function and its call.
"""
