"""The Kubernetes side: transport, resources, and how the controller is."""
