"""Values that the core is made of. Frozen; no I/O, no clock, nothing of the outside world."""
