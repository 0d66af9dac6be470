"""The operator API: /api/v1."""
