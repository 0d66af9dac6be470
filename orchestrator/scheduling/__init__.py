"""When runs are due, and what becomes of each time."""
