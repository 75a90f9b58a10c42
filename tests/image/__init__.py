"""The image, built and run without a container engine: the door is `make image-check`, and root is needed for it."""
