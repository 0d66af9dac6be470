"""Facts of a host, one file per subject: pure parsers of file texts, and thin readers that feed them.

A subject has ``collect(host)`` functions that return facts without the ``ansible_`` prefix. /proc, /sys and /etc are
read directly, and addresses come over netlink; a process is started only where nothing else knows the answer.
"""
