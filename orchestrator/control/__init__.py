"""All services over one connection, and what concerns the server itself."""
