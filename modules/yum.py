"""Keeps packages installed, current or away on hosts with yum or dnf; the same as ``dnf``, under its older name.

Example::

    - name: The web server
      ansible.builtin.yum:
        name: httpd
        state: present

Returns and errors as ``dnf``.
"""

from modules import dnf

ARGS = dict(dnf.ARGS)
RULES = dnf.RULES
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    return dnf.run(args, host)
