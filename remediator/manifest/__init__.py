"""Manifests as people write them: which objects a file has, where each value stands, how one is changed in place."""
