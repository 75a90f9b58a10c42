"""The sandbox, lying: each fact that the contract pins, reversed in turn, must make the contract fail.

A contract that a lie passes pins nothing. `api.py`, `applying.py` and `controller.py` have the lies, `told.py` runs
the contract against them.
"""
