"""A run in check mode, bound to content and facts, that may be applied."""
