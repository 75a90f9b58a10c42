"""Find, explain and free stuck AWS resources managed by AWS Controllers for Kubernetes (ACK)."""

__version__ = "0.1.0"
