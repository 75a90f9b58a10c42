"""A page for a browser: what is stuck, since when, why, what happens next, and what was done. No script, no asset."""
