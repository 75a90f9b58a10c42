"""A cluster, a controller and a Lambda in one process, on loopback: the demo, and the fast tests.

Nothing in here imports anything else of this project: the sandbox plays the outside world, and must not share
its mistakes.
"""
