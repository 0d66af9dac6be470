"""Whom orch trusts and what it keeps to itself: host keys, and secrets held in memory."""
