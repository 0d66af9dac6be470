"""Modules that orch does not have itself: found, packed with what they import, and run on hosts as they are."""
