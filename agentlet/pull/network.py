"""Whether this host's network is another one than before."""


def fingerprint():
    """Changes with the routes; "" where they cannot be read."""
    try:
        with open("/proc/net/route") as opened:
            # Interface, destination and gateway; the counters behind them change by themselves.
            return "\n".join(" ".join(line.split()[:3]) for line in opened)
    except OSError:
        return ""
