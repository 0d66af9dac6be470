"""Secrets that runs are given: sealed at rest, shown to nobody."""
