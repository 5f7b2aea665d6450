"""What holds for all tests: none of them looks at the clock, so that a busy machine fails none."""

from __future__ import annotations

import gc
import signal

from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background job
    signal.signal(signal.SIGINT, signal.default_int_handler)  # or no test could interrupt anything

gc.set_threshold(
    50_000, 20, 100
)  # searches keep all that they make: looking for more costs 4 to 8 %
