"""The Lambda and STS of the sandbox: moto's server, with what moto lacks laid over it at the wire."""
