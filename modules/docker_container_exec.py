"""Runs a command in a running container.

Example::

    - name: The application's tables
      community.docker.docker_container_exec:
        container: app
        argv: [./manage.py, migrate, --noinput]
        user: app
      register: result

Returns ``stdout``, ``stderr``, ``rc``, or ``exec_id`` with detach. Always changed. Errors: ``command_failed`` (never by
the command's own exit code: look at ``rc``), ``docker_error``, ``no_service``.
"""

import threading

from modules.api import Arg, Failed, exclusive, one_of
from modules.support.docker.client import CLIENT_ARGS, Client, quoted
from modules.support.docker.streams import demultiplexed
from modules.support.docker.values import texts, words

ARGS = dict(
    CLIENT_ARGS,
    container=Arg("str", "The container's name or id.", required=True),
    argv=Arg("list", "The command and its arguments.", elements="str"),
    command=Arg("str", "The command as a text, which is split as a shell does; no shell runs it."),
    chdir=Arg("str", "Where it begins, in the container."),
    detach=Arg("bool", "Do not wait for its end.", default=False),
    user=Arg("str", "As whom it runs."),
    stdin=Arg("str", "Text for its standard input."),
    stdin_add_newline=Arg("bool", "End stdin with a newline.", default=True),
    strip_empty_ends=Arg("bool", "Take empty lines from the ends of what it prints.", default=True),
    tty=Arg("bool", "Give it a terminal.", default=False),
    env=Arg("dict", "Variables for it."),
)
RULES = (one_of("argv", "command"), exclusive("argv", "command"))
OUTPUT_LIMIT_BYTES = 8 << 20


def run(args, host):
    client = Client(args, host)
    feeds = args["stdin"] is not None
    if feeds and args["detach"]:
        raise Failed("bad_arguments", "If detach=true, stdin cannot be provided.")
    made = client.send("POST", "/containers/{}/exec".format(quoted(args["container"])), body={
        "Cmd": args["argv"] if args["argv"] is not None else words(args["command"]), "Tty": args["tty"],
        "User": args["user"] or "", "WorkingDir": args["chdir"] or "", "AttachStdin": feeds,
        "AttachStdout": not args["detach"], "AttachStderr": not args["detach"],
        "Env": ["{}={}".format(*pair) for pair in sorted(texts(args["env"] or {}, "env").items())]})
    start = "/exec/{}/start".format(made["Id"])
    if args["detach"]:
        client.send("POST", start, body={"Detach": True, "Tty": args["tty"]})
        return {"changed": True, "exec_id": made["Id"]}
    out, err = attached(client, start, args)
    done = client.get("/exec/{}/json".format(made["Id"]))
    if args["strip_empty_ends"]:
        out, err = out.rstrip("\r\n"), err.rstrip("\r\n")
    return {"changed": True, "stdout": out, "stderr": err, "rc": done.get("ExitCode") or 0,
            "stdout_lines": out.splitlines(), "stderr_lines": err.splitlines()}


def attached(client, path, args):
    """(stdout, stderr) of the started command, fed with stdin from a thread so that neither side waits forever."""
    data = None
    if args["stdin"] is not None:
        newline = "\n" if args["stdin_add_newline"] and not args["stdin"].endswith("\n") else ""
        data = (args["stdin"] + newline).encode("utf-8", "surrogateescape")
    answer, line = client.hijack(path, {"Detach": False, "Tty": args["tty"]})
    feeder = threading.Thread(target=feed, args=(line, data), daemon=True)
    feeder.start()
    return demultiplexed(answer, args["tty"], OUTPUT_LIMIT_BYTES)


def feed(line, data):
    """Sends what the command reads, and its end."""
    import socket
    try:
        if data is not None:
            line.sendall(data)
            line.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the command ended before it read everything, which is its right
    finally:
        line.close()
