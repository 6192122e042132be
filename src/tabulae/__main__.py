"""The command, as ``tabulae`` and as ``python -m tabulae``.

Before anything is imported: until the command listens to interrupts, one ends it without a word. ``_signal`` is what
``signal`` is made of, and there when Python starts; to import that one takes longer than all else that comes before.
"""

import _signal  # type: ignore[import-not-found]

if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)

from tabulae.cli.start import main

if __name__ == "__main__":
    main()
