"""What a release is made by. The door to the plugin itself is `make dist plugin plugin-check`."""
