"""What every test needs of the process that it runs in."""

from __future__ import annotations

import signal

# A shell that runs a command in the background lets it ignore Ctrl-C, and so would everything that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
