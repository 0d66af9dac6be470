"""Telling people, from what the store says happened or did not."""
