"""What tests of the sandbox's servers share."""

from tests.tls import authority

__all__ = ["authority"]
