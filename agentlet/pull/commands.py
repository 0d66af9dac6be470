"""The commands that a person types at the host: `enroll`, `status` and the others that are not the service."""

import argparse
import os
import sys
import time

from agentlet.pull import VERSION, identity, keyring
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
    if command in _AS_OWNER:
        _become_owner(state)
    return act(program, state, options) or 0


def _become_owner(state):
    """Root has no business with what another account has written and says: it is that account from here on."""
    owner = os.lstat(state.directory).st_uid if os.path.isdir(state.directory) else 0
    if os.geteuid() == 0 and owner != 0:
        import pwd

        from agentlet.pull import accounts
        accounts.become(pwd.getpwuid(owner).pw_name)


def _enroll_options(parser):
    parser.add_argument("url", help="the gateway: https://HOST[:PORT]")
    parser.add_argument("--pin", help="the gateway's key: sha256//BASE64")
    parser.add_argument("--ca", metavar="FILE", help="the authority of the gateway's certificate, where it has no pin")
    parser.add_argument("--token-only", action="store_true", help="no certificate: a token signs the requests")
    parser.add_argument("--user", metavar="NAME", help="the account that the agentlet runs as, with a helper for what "
                        "needs root; without it, it runs as whoever starts it")
    parser.add_argument("--keyring", choices=keyring.CHOICES, default="auto", help="what seals the secrets: by itself "
                        "the host's own key, where root has systemd-creds; file: nothing does")
    parser.add_argument("--force", action="store_true", help="although this host is enrolled already")


def _enroll(program, state, options):
    """Make this host known to orch. The token, from `orch agents invite`, is read from standard input, or from the
    file that ORCH_TOKEN_FILE names: whoever looks at the processes of this host must not see it."""
    from agentlet.pull import enrol
    wanted = (options.url, _token(), options.pin, options.ca, options.token_only, options.force, options.keyring)
    if options.user:
        if not os.path.isdir("/run/systemd/system"):
            raise AgentletError("Only systemd starts a helper for an agentlet that is not root", "Leave --user out")
        from agentlet.pull.helper import enrolling
        known = enrolling.enrol_for(options.user, state, *wanted)
    else:
        known = enrol.enrol(state, *wanted)
    sys.stdout.write("This host is enrolled as %s (agent %s, by %s).\n" % (
        known.host, known.agent, "certificate" if known.mode == "tls" else "token"))


def _token():
    path = os.environ.get("ORCH_TOKEN_FILE")
    if path is None and sys.stdin.isatty():
        sys.stderr.write("The token, from orch agents invite: ")
        sys.stderr.flush()
    try:
        if path is not None:
            with open(path, encoding="ascii") as opened:
                token = opened.readline().strip()
        else:
            token = sys.stdin.readline().strip()
    except (OSError, ValueError) as error:
        raise AgentletError("The token cannot be read: %s" % error)
    if not token:
        raise AgentletError("There is no token", "Write it to standard input, or to a file that ORCH_TOKEN_FILE names")
    return token


def _status(program, state, options):
    """What this agentlet is, and how it is."""
    known = identity.Identity(state)
    values, pid = state.read_json("status.json"), state.owner()
    lines = [("version", VERSION), ("host", known.host), ("agent", known.agent), ("gateway", known.url),
             ("identity", known.mode), ("state", state.directory),
             ("secrets", "sealed by the keyring" if state.is_sealed(identity.SECRETS) else "files of mode 0600"),
             ("service", "process %d" % pid if pid else "not running")]
    if known.helper:
        lines.append(("helper", _of_helper(known)))
    if values:
        when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(values.get("since", 0)))
        lines.append(("contact", "%s since %s%s" % (
            values.get("how"), when, ": %s" % values["why"] if values.get("why") else "")))
    jobs = os.listdir(state.path("jobs")) if state.exists("jobs") else []
    lines.append(("jobs", "%d held" % len(jobs)))
    sys.stdout.write("".join("%-9s %s\n" % (name, _shown(value)) for name, value in lines))
    return 0 if pid else 3


def _of_helper(known):
    try:
        known.job_keys.check()
        return "answers"
    except AgentletError as error:
        return "%s: %s" % (error.message, error.hint)


def _shown(value):
    """What others have said reaches a terminal as text, and as nothing more."""
    return "".join(char if char.isprintable() else "?" for char in str(value))


def _unit_options(parser):
    parser.add_argument("--python", default=sys.executable, help="the Python that runs it")
    parser.add_argument("--user", help="who runs it, for systemd with a helper for what needs root; root where this is "
                        "not given")
    parser.add_argument("--part", choices=("agentlet", "helper.socket", "helper.service"), default="agentlet",
                        help="with --user, for systemd: which of the three units")
    parser.add_argument("--write", action="store_true", help="put systemd's into their places, instead of printing one")
    parser.add_argument("--for", dest="manager", choices=("systemd", "launchd", "windows"), default="systemd")


def _unit(program, state, options):
    """Print the definition of the service for this host's service manager."""
    from agentlet.pull import services
    directory = None if options.state is None else state.directory
    if options.manager != "systemd" and (options.write or options.part != "agentlet"):
        raise AgentletError("--part and --write are for systemd", "For another one: --for, and put it in its place")
    if options.manager == "windows":
        text = services.windows_service(options.python, program, directory)
    elif options.manager == "launchd":
        text = services.launchd_plist(options.python, program, directory, options.user)
    else:
        _refuse_other_owner(state, options.user)
        units = services.systemd_units(options.python, program, directory, options.user)
        if options.write:
            return _write_units(units.values())
        if options.part not in units:
            raise AgentletError("Only an agentlet with an account of its own has a helper", "unit --user NAME --part %s"
                                % options.part)
        text = units[options.part][1]
    sys.stdout.write(text)


def _refuse_other_owner(state, user):
    """A unit for an account that was not enrolled for would not start, and the host could not be reached."""
    import pwd
    if user and os.path.isdir(state.directory):
        try:
            is_users = os.stat(state.directory).st_uid == pwd.getpwnam(user).pw_uid
        except KeyError:
            is_users = False
        if not is_users:
            raise AgentletError("The agentlet here was not enrolled for %s" % user,
                                "Enrol it anew: agentlet.pyz enroll URL --user %s --force" % user)


def _write_units(units):
    from agentlet.pull.state import write_durably
    for path, text in units:
        try:
            write_durably(path, text.encode("utf-8"), 0o644)
        except OSError as error:
            raise AgentletError("Cannot write %s: %s" % (path, error.strerror))
        sys.stdout.write(path + "\n")


def _update_options(parser):
    parser.add_argument("--wait", type=float, default=120.0, metavar="SECONDS",
                        help="how long to see what becomes of it")


def _update(program, state, options):
    """Ask the server for its version, and see what becomes of it here."""
    from agentlet.pull import updating
    return updating.run(program, state, options.wait, lambda sentence: sys.stdout.write(_shown(sentence) + "\n"))


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
             "update": (_update_options, _update), "uninstall": (_uninstall_options, _uninstall)}
_AS_OWNER = ("status", "update")
