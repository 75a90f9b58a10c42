"""The sandbox, lying: each fact that the contract pins, reversed in turn, must make the contract fail.

A contract that a lie passes pins nothing. `catalogue.py` has the lies, `told.py` runs the contract against one.
"""
