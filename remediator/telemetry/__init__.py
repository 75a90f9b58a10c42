"""What the outside sees of the remediator while it runs."""
