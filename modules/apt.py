"""Keeps Debian packages installed, at a version, current or away, by apt-get; nothing but apt is needed on the host.

Example::

    - name: The web server and its modules
      ansible.builtin.apt:
        name: [nginx, libnginx-mod-http-geoip=1.2*]
        state: present
        update_cache: true
        cache_valid_time: 3600

Returns ``cache_updated``, ``cache_update_time``, ``stdout``, ``stderr``. Check mode asks ``apt-get -s``, so it tells of
each package that would come or go; it does not renew the lists.
Errors: ``no_package``, ``no_version``, ``bad_package``, ``cache``, ``locked``, ``interrupted``, ``apt_failed``.
"""

import os

from modules.api import Arg, Failed, exclusive
from modules.support.apt import cache as apt_cache
from modules.support.apt import deb_file, policy_rc_d
from modules.support.apt import packages as apt_packages
from modules.support.apt.selection import select

ARGS = {
    "name": Arg("list", "Packages: name, name=version (wildcards allowed), name>=version, name:arch, or patterns.",
                aliases=("package", "pkg"), elements="str"),
    "state": Arg("str", "What to keep true of them.", default="present",
                 choices=("absent", "build-dep", "latest", "present", "fixed")),
    "update_cache": Arg("bool", "Renew the lists first.", aliases=("update-cache",)),
    "cache_valid_time": Arg("int", "Renew the lists only when older than this many seconds.", default=0),
    "update_cache_retries": Arg("int", "How often to try renewing the lists.", default=5),
    "update_cache_retry_max_delay": Arg("int", "Most seconds between two tries.", default=12),
    "purge": Arg("bool", "Remove configuration files too.", default=False),
    "autoremove": Arg("bool", "Remove packages that were only needed by others.", default=False),
    "autoclean": Arg("bool", "Remove fetched packages that can be fetched no more.", default=False),
    "clean": Arg("bool", "Remove all fetched package files.", default=False),
    "upgrade": Arg("str", "Upgrade the system: yes or safe, full, dist.", default="no",
                   choices=("dist", "full", "no", "safe", "yes")),
    "deb": Arg("path", "A .deb file on the host, or its URL."),
    "default_release": Arg("str", "The release to prefer (-t).", aliases=("default-release",)),
    "install_recommends": Arg("bool", "Whether recommended packages come too; default: apt's own setting.",
                              aliases=("install-recommends",)),
    "force": Arg("bool", "Accept downgrades, removal of essential and unsigned packages. Dangerous.", default=False),
    "allow_unauthenticated": Arg("bool", "Accept packages that are not signed.", default=False,
                                 aliases=("allow-unauthenticated",)),
    "allow_downgrade": Arg("bool", "Accept an older version.", default=False,
                           aliases=("allow-downgrade", "allow_downgrades", "allow-downgrades")),
    "allow_change_held_packages": Arg("bool", "Change packages on hold.", default=False),
    "only_upgrade": Arg("bool", "Never install what is not there yet.", default=False),
    "fail_on_autoremove": Arg("bool", "Fail when anything would be removed.", default=False),
    "dpkg_options": Arg("str", "Options for dpkg, with commas.", default="force-confdef,force-confold"),
    "policy_rc_d": Arg("int", "Exit code of a policy-rc.d for the task; 101 keeps services from starting."),
    "lock_timeout": Arg("int", "Seconds to wait for another program's lock.", default=60),
    "force_apt_get": Arg("bool", "Has no effect: apt-get is always used.", default=False),
    "auto_install_module_deps": Arg("bool", "Has no effect: nothing is needed.", default=True),
}
RULES = (exclusive("deb", "name"),)
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    if not host.which("apt-get"):
        raise Failed("no_apt", "there is no apt-get on this host", "use the package module")
    values = {"changed": False, "cache_updated": False}
    if apt_cache.due(args):
        values["cache_updated"] = host.check_mode or apt_cache.update(args, host)
    values["cache_update_time"] = apt_cache.update_time()
    commands = list(planned(args, host))
    if not commands:
        values["changed"] = values["cache_updated"] and not asked_for_packages(args)
    with policy_rc_d.standing(None if host.check_mode else args["policy_rc_d"], host):
        for command in commands:
            merge(values, perform(args, host, command))
    return values


def asked_for_packages(args):
    """Whether the task is about packages, and not only about the lists."""
    return bool(args["name"] or args["deb"] or args["upgrade"] != "no" or args["autoremove"])


def planned(args, host):
    """The apt-get commands (verb and operands) that bring the host to what was asked for."""
    if args["clean"] and any(name.endswith(".deb") for name in os.listdir("/var/cache/apt/archives")):
        yield ["clean"]
    if args["upgrade"] != "no":
        yield ["dist-upgrade"] if args["upgrade"] in ("dist", "full") else ["--with-new-pkgs", "upgrade"]
    if args["deb"]:
        path = deb_file.to_install(args, host)
        if path:
            yield ["install", path]
    names = [part.strip() for entry in args["name"] or () for part in entry.split(",") if part.strip()]
    if "*" in names:
        yield ["--with-new-pkgs", "upgrade"]
        names = [name for name in names if name != "*"]
    verb = {"absent": "remove", "build-dep": "build-dep"}.get(args["state"], "install")
    if args["state"] == "fixed":
        yield ["--fix-broken", "install"] + names
    else:
        chosen = select(names, args, host) if names else []
        if chosen:
            yield [verb] + chosen
    if args["autoremove"] and not names:
        yield ["autoremove"]
    if args["autoclean"]:
        yield ["autoclean"]


def perform(args, host, command):
    """One apt-get call: simulated where only its plan is wanted, else for real."""
    argv = ["apt-get", "-y", "-q"] + options(args) + command
    cleaning = command[0] in ("clean", "autoclean")
    actions = None
    if not cleaning and (host.check_mode or host.diff or may_be_idle(command)):
        simulated = host.query(argv[:1] + ["-s"] + argv[1:], env=apt_packages.ENV)
        require_success(simulated, command)
        actions = apt_packages.parse_simulation(simulated.stdout)
        if not actions or host.check_mode:
            return {"changed": bool(actions), "stdout": simulated.stdout, "stderr": simulated.stderr,
                    "diff": [apt_packages.diff_of(actions)] if actions else []}
    if host.check_mode:
        return {"changed": command[0] == "clean", "stdout": "", "stderr": ""}
    done = host.run(argv, env=apt_packages.ENV)
    require_success(done, command)
    changed = "\nDel " in "\n" + done.stdout if command[0] == "autoclean" else True
    return {"changed": changed, "stdout": done.stdout, "stderr": done.stderr,
            "diff": [apt_packages.diff_of(actions)] if actions else []}


def may_be_idle(command):
    """Whether only apt itself can say if this command has anything to do."""
    return command[0] in ("--with-new-pkgs", "dist-upgrade", "autoremove", "build-dep", "--fix-broken")


def require_success(done, command):
    """`Failed`, by what apt said."""
    if done.rc == 0:
        return
    code, message = apt_packages.explain(done.stderr)
    if code == "apt_failed":
        message = "'apt-get {}' failed: {}".format(" ".join(command), message)
    raise Failed(code, message, rc=done.rc, stdout=done.stdout, stderr=done.stderr)


def options(args):
    """The options for apt-get."""
    found = ["-o", "DPkg::Lock::Timeout={}".format(args["lock_timeout"])]
    for option in args["dpkg_options"].split(","):
        if option.strip():
            found += ["-o", "Dpkg::Options::=--" + option.strip()]
    if args["default_release"]:
        found += ["-t", args["default_release"]]
    if args["install_recommends"] is not None:
        found += ["-o", "APT::Install-Recommends=" + ("yes" if args["install_recommends"] else "no")]
    for name, option in (("allow_unauthenticated", "--allow-unauthenticated"),
                         ("allow_downgrade", "--allow-downgrades"), ("only_upgrade", "--only-upgrade"),
                         ("allow_change_held_packages", "--allow-change-held-packages"), ("purge", "--purge"),
                         ("autoremove", "--auto-remove"), ("fail_on_autoremove", "--no-remove")):
        if args[name]:
            found.append(option)
    if args["force"]:
        found += ["--allow-unauthenticated", "--allow-downgrades", "--allow-remove-essential",
                  "--allow-change-held-packages"]
    return found


def merge(values, more):
    """Add the result of one more call."""
    values["changed"] = values["changed"] or more["changed"]
    for name in ("stdout", "stderr"):
        values[name] = values.get(name, "") + more[name]
    values.setdefault("diff", []).extend(more.get("diff", ()))
