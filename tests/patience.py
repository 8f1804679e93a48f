"""How long tests wait for what must happen: a bound that only what hangs can pass, however slow or busy the machine."""

HUNG = 1800  # seconds
