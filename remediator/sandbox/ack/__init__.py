"""A small ACK lambda-controller, for Function only, that behaves as the real one does where users can see it."""
