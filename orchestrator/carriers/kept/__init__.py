"""SSH lines that outlive the run that opened them: a process stays behind and lends them to the runs that follow.

docs/connections.md says why, for how long, and what is never kept.
"""
