"""The commands that a person types at the host: `enroll`, `status` and the others that are not the service."""

import argparse
import os
import sys
import time

from agentlet.pull import VERSION, identity
from agentlet.pull.faults import AgentletError
from agentlet.pull.state import State, default_directory


def main(program, command, arguments):
    """The exit code."""
    found = _COMMANDS.get(command)
    if found is None:
        raise AgentletError("There is no command %s" % command, "python3 agentlet.pyz help")
    make, act = found
    parser = argparse.ArgumentParser(prog="agentlet.pyz " + command, description=act.__doc__)
    parser.add_argument("--state", metavar="DIR", default=None, help="where the agentlet keeps its state")
    make(parser)
    options = parser.parse_args(arguments)
    state = State(os.path.abspath(options.state or default_directory()))
    return act(program, state, options) or 0


def _enroll_options(parser):
    parser.add_argument("url", help="the gateway: https://HOST[:PORT]")
    parser.add_argument("--token", help="from orch agents invite; without it, it is read from stdin or ORCH_TOKEN")
    parser.add_argument("--pin", help="the gateway's key: sha256//BASE64")
    parser.add_argument("--ca", metavar="FILE", help="the authority of the gateway's certificate, where it has no pin")
    parser.add_argument("--token-only", action="store_true", help="no certificate: a token signs the requests")
    parser.add_argument("--force", action="store_true", help="although this host is enrolled already")


def _enroll(program, state, options):
    """Make this host known to orch."""
    from agentlet.pull import enrol
    token = options.token or os.environ.get("ORCH_TOKEN") or sys.stdin.readline().strip()
    known = enrol.enrol(state, options.url, token, options.pin, options.ca, options.token_only, options.force)
    sys.stdout.write("This host is enrolled as %s (agent %s, by %s).\n" % (
        known.host, known.agent, "certificate" if known.mode == "tls" else "token"))


def _status(program, state, options):
    """What this agentlet is, and how it is."""
    known = identity.Identity(state)
    values, pid = state.read_json("status.json"), state.owner()
    lines = [("version", VERSION), ("host", known.host), ("agent", known.agent), ("gateway", known.url),
             ("identity", known.mode), ("state", state.directory),
             ("service", "process %d" % pid if pid else "not running")]
    if values:
        when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(values.get("since", 0)))
        lines.append(("contact", "%s since %s%s" % (
            values.get("how"), when, ": %s" % values["why"] if values.get("why") else "")))
    jobs = os.listdir(state.path("jobs")) if state.exists("jobs") else []
    lines.append(("jobs", "%d held" % len(jobs)))
    sys.stdout.write("".join("%-9s %s\n" % line for line in lines))
    return 0 if pid else 3


def _unit_options(parser):
    parser.add_argument("--python", default=sys.executable, help="the Python that runs it")
    parser.add_argument("--user", help="who runs it; root where this is not given")
    parser.add_argument("--for", dest="manager", choices=("systemd", "launchd", "windows"), default="systemd")


def _unit(program, state, options):
    """Print the definition of the service for this host's service manager."""
    from agentlet.pull import services
    directory = None if options.state is None else state.directory
    if options.manager == "windows":
        text = services.windows_service(options.python, program, directory)
    else:
        make = services.systemd_unit if options.manager == "systemd" else services.launchd_plist
        text = make(options.python, program, directory, options.user)
    sys.stdout.write(text)


def _update(program, state, options):
    """Fetch the version that the server has for this host, and have the service start it."""
    import signal
    pid = state.owner()
    if pid is None:
        raise AgentletError("The service does not run", "It updates itself: start it, or install the file anew")
    os.kill(pid, signal.SIGHUP)
    sys.stdout.write("The service asks the server now; status shows the version.\n")


def _uninstall_options(parser):
    parser.add_argument("--force", action="store_true", help="although results wait to be sent")


def _uninstall(program, state, options):
    """End the service and remove what it left."""
    from agentlet.pull import uninstall
    for sentence in uninstall.uninstall(program, state, options.force):
        sys.stdout.write(sentence + "\n")


def _nothing(parser):
    pass


_COMMANDS = {"enroll": (_enroll_options, _enroll), "status": (_nothing, _status), "unit": (_unit_options, _unit),
             "update": (_nothing, _update), "uninstall": (_uninstall_options, _uninstall)}
