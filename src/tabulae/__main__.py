"""The command, as ``tabulae`` and as ``python -m tabulae``.

Before anything is imported: until the command listens to interrupts, one ends it without a word.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from tabulae.cli.start import main

if __name__ == "__main__":
    main()
