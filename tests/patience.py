"""How long tests wait for what must happen: a bound that only what hangs can pass, however slow or busy the machine."""

import time

HUNG = 1800  # seconds


def wait_for(happened):
    """What happened, when it has."""
    end = time.monotonic() + HUNG
    while not (found := happened()) and time.monotonic() < end:
        time.sleep(0.02)
    assert found
    return found
