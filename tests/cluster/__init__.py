"""Stories on the real thing: a real control plane and the real ACK controller."""
