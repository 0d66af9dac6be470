"""What root does for an agentlet that is not root: what the server has signed, and the host's owner allows.

systemd accepts a connection on the helper's socket and starts this for it; nothing of root's runs in between. The
agentlet sends frames of a few kinds (`requests`) and never a command line: it names a signed job, a user, and tasks
of that job by their ids. The job keys are root's alone, so who has taken over the agentlet can make no job.
"""
