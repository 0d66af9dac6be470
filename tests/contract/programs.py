"""Modules as they should not be: each does one thing that a runtime must survive. Sent to it as sources."""

SOURCES = {
    "tiny": "ARGS = {}\n\ndef run(args, host):\n    return {'changed': False, 'user': host.user}\n",
    "count": """
from modules.api import Arg
ARGS = {"path": Arg("path", required=True), "sleep_s": Arg("float", default=0)}

def run(args, host):
    with open(args["path"], "a") as opened:
        opened.write("x")
    result = host.run(["sleep", str(args["sleep_s"])])
    return {"changed": True, "rc": result.rc, "ran": open(args["path"]).read()}
""",
    "crash": "ARGS = {}\n\ndef run(args, host):\n    return {}['a key']\n",
    "leave": "import os\nARGS = {}\n\ndef run(args, host):\n    os._exit(3)\n",
    "exit": "import sys\nARGS = {}\n\ndef run(args, host):\n    sys.exit('enough')\n",
    "signal": """
import os
from modules.api import Arg
ARGS = {"number": Arg("int")}

def run(args, host):
    os.kill(os.getpid(), args["number"])
    import time
    time.sleep(10)
""",
    "fork": """
import os, time
ARGS = {}

def run(args, host):
    os.fork()
    return {"pid": os.getpid()}
""",
    "sleep": """
import time
from modules.api import Arg
ARGS = {"s": Arg("float", default=60)}

def run(args, host):
    time.sleep(args["s"])
""",
    "daemon": """
import os, subprocess, sys, time
from modules.api import Arg
ARGS = {"mark": Arg(), "stay": Arg("bool", default=True), "stubborn": Arg("bool", default=False)}
CODE = "import signal, sys, time; %stime.sleep(300)"

def run(args, host):
    code = CODE % ("signal.signal(signal.SIGTERM, signal.SIG_IGN); " if args["stubborn"] else "")
    # Twice away from its parent, in a session of its own: as a daemon does it.
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            null = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(null, fd)
            os.execv(sys.executable, [sys.executable, "-S", "-c", code, args["mark"]])
        os._exit(0)
    os.wait()
    time.sleep(0.3)
    if args["stay"]:
        host.run(["sh", "-c", "sleep 200 # " + args["mark"]])
    return {"changed": True}
""",
    "eat": """
ARGS = {}

def run(args, host):
    kept = []
    while True:
        kept.append(bytearray(16 << 20))
""",
    "eat_command": """
import sys
ARGS = {}

def run(args, host):
    result = host.run([sys.executable, "-S", "-c", "x = bytearray(600 << 20); print(len(x))"])
    return {"rc": result.rc, "stdout": result.stdout}
""",
    "rubbish": """
import os, sys
ARGS = {}

def run(args, host):
    print("hello from print")
    sys.stderr.write("and stderr\\n")
    os.write(1, b"\\x00\\x00\\x00\\x05raw \\xff bytes\\n" + b"y" * 300000)
    return {"changed": True}
""",
    "command": """
from modules.api import Arg
ARGS = {"line": Arg(required=True), "timeout_s": Arg("float")}

def run(args, host):
    done = host.run(args["line"], shell=True, timeout_s=args["timeout_s"])
    return {"changed": True, "rc": done.rc, "stdout": done.stdout, "stderr": done.stderr,
            "timed_out": done.timed_out, "truncated": done.truncated}
""",
    "put": """
import os, resource
from modules.api import Arg, Change
ARGS = {"src": Arg("raw"), "path": Arg("path")}

def check(args, host):
    if host.exists(args["path"]) and host.digest(args["path"]) == args["src"]["blob"]:
        return None
    return Change(before="", after=args["src"]["blob"])

def apply(args, change, host):
    host.replace(host.blob_file(args["src"], os.path.dirname(args["path"])), args["path"])
    return {"peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}
""",
    "show": """
from modules.api import Arg
ARGS = {"src": Arg("raw"), "limit": Arg("int", default=1000)}

def run(args, host):
    return {"text": host.blob_bytes(args["src"], args["limit"]).decode(), "again":
            host.blob_bytes(args["src"], args["limit"]).decode()}
""",
    "get": """
import resource
from modules.api import Arg
ARGS = {"path": Arg("path")}

def run(args, host):
    return {"sent": host.send(args["path"]), "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}
""",
    "temp": """
import os, time
from modules.api import Arg
ARGS = {"dir": Arg("path"), "then": Arg()}

def run(args, host):
    path = host.tempfile(dir=args["dir"])
    if args["then"] == "die":
        os._exit(1)
    if args["then"] == "hang":
        time.sleep(100)
    return {"path": path, "mode": oct(os.stat(path).st_mode & 0o777)}
""",
    "environment": """
import os
ARGS = {}

def run(args, host):
    os.environ["LEFT_BEHIND"] = "1"
    os.umask(0)
    return {"module": os.environ.get("FLAVOUR"), "command": host.run("printf %s \\"$FLAVOUR\\"", shell=True).stdout,
            "cwd": os.getcwd(), "locale": os.environ.get("LC_ALL"),
            "umask": host.run("umask", shell=True).stdout.strip(), "left": os.environ.get("LEFT")}
""",
    "whoami": """
import os
ARGS = {}

def run(args, host):
    done = host.run(["id", "-un"])
    return {"user": host.user, "uid": os.getuid(), "id": done.stdout.strip(), "home": host.home}
""",
    "steps": """
ARGS = {}

def run(args, host):
    host.progress(done=1, of=2)
    host.log("half-way")
    host.warn("careful")
    return {"changed": True}
""",
    "broken": "ARGS = {\n",
    "needs_more": "import a_module_that_is_not_there\nARGS = {}\n",
    "huge": "ARGS = {}\n\ndef run(args, host):\n    return {'content': 'x' * (9 << 20)}\n",
    "odd": "ARGS = {}\n\ndef run(args, host):\n    return {'content': {1, 2}}\n",
    "secret": """
from modules.api import Arg, Failed
ARGS = {"token": Arg(no_log=True), "then": Arg()}

def run(args, host):
    host.warn("using " + args["token"])
    if args["then"] == "fail":
        raise Failed("refused", "token %s was refused" % args["token"], got=args["token"])
    if args["then"] == "crash":
        raise ValueError(args["token"])
    return {"said": [args["token"], "a" + args["token"] + "b"]}
""",
}


def teach(runtime: object, *names: str) -> None:
    """Sends these modules to a runtime."""
    for name in names:
        runtime.add_module(name, SOURCES[name])  # type: ignore[attr-defined]
