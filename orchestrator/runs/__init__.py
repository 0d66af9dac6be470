"""Runs of the server: asked for, queued, driven by workers, taken over."""
