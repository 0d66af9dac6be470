"""The options of dnf 4, dnf 5 and yum for what a task asks, and which of the three is the host's."""

import os

from modules.api import Arg, Failed

OPTIONS = {
    "enablerepo": Arg("list", "Repositories to use besides.", default=[], elements="str"),
    "disablerepo": Arg("list", "Repositories not to use.", default=[], elements="str"),
    "exclude": Arg("list", "Packages to leave alone.", default=[], elements="str"),
    "disable_excludes": Arg("str", "Whose excludes not to heed: all, main, or a repository."),
    "enable_plugin": Arg("list", "Plugins to use.", default=[], elements="str"),
    "disable_plugin": Arg("list", "Plugins not to use.", default=[], elements="str"),
    "disable_gpg_check": Arg("bool", "Accept packages that are not signed.", default=False),
    "install_weak_deps": Arg("bool", "Install recommended packages too.", default=True),
    "allowerasing": Arg("bool", "Remove packages that stand in the way.", default=False),
    "best": Arg("bool", "The newest version or none (true), or an older one too (false)."),
    "nobest": Arg("bool", "The opposite of best."),
    "skip_broken": Arg("bool", "Leave out what cannot be installed.", default=False),
    "security": Arg("bool", "With latest: security updates only.", default=False),
    "bugfix": Arg("bool", "With latest: bug fixes only.", default=False),
    "cacheonly": Arg("bool", "Use the metadata that is here.", default=False),
    "conf_file": Arg("str", "Another configuration file."),
    "download_only": Arg("bool", "Fetch the packages, and do not install them.", default=False),
    "download_dir": Arg("str", "Where fetched packages go."),
    "installroot": Arg("path", "Another root directory.", default="/"),
    "releasever": Arg("str", "Another release's repositories."),
    "sslverify": Arg("bool", "Check the certificates of repositories.", default=True),
    "validate_certs": Arg("bool", "Check the certificate of a package's URL.", default=True),
    "lock_timeout": Arg("int", "Has no effect: dnf waits for its lock.", default=30),
    "install_repoquery": Arg("bool", "Has no effect: it is not needed.", default=True),
    "use": Arg("str", "Has no effect: another name for use_backend."),
    "use_backend": Arg("str", "Has no effect: the program is found out.", default="auto",
                       choices=("auto", "dnf", "dnf4", "dnf5", "yum", "yum4")),
}
PROGRAMS = ("dnf", "dnf5", "yum", "microdnf")
LISTS = (("enablerepo", "--enablerepo"), ("disablerepo", "--disablerepo"), ("exclude", "--exclude"))
FLAGS = (("disable_gpg_check", "--nogpgcheck"), ("cacheonly", "--cacheonly"), ("download_only", "--downloadonly"))
TEXTS = (("releasever", "--releasever"), ("conf_file", "--config"))


def program(host):
    """dnf, or yum where there is no dnf."""
    for name in PROGRAMS:
        if host.which(name):
            return name
    raise Failed("no_dnf", "there is neither dnf nor yum on this host", "use the package module")


def is_dnf5(program, host):
    return "dnf5" in os.path.basename(os.path.realpath(host.which(program) or program))


def words(args, verb, program, host):
    """All options, in front of the verb."""
    new = is_dnf5(program, host)
    found = ["{}={}".format(option, value) for name, option in LISTS for value in args[name]]
    found += [option for name, option in FLAGS if args[name]]
    found += ["{}={}".format(option, args[name]) for name, option in TEXTS if args[name]]
    for name, option in (("enable_plugin", "enable-plugin"), ("disable_plugin", "disable-plugin")):
        found += ["--{}={}".format(option if new else option.replace("-", ""), value) for value in args[name]]
    if args["installroot"] != "/":
        found.append("--installroot=" + args["installroot"])
    if args["download_dir"] and args["download_only"]:
        found.append("{}={}".format("--destdir" if new else "--downloaddir", args["download_dir"]))
    return found + settings(args, verb, new) + of_verb(args, verb, new)


def settings(args, verb, new):
    """What has no option of its own in every version, as ``--setopt``."""
    found = []
    if not args["install_weak_deps"]:
        found.append("install_weak_deps=False")
    best = args["best"] if args["best"] is not None else None if args["nobest"] is None else not args["nobest"]
    if best is not None:
        found.append("best={}".format(best))
    if not (args["sslverify"] and args["validate_certs"]):
        found.append("sslverify=0")
    if verb == "remove":
        found.append("clean_requirements_on_remove={}".format(args["autoremove"]))
    if args["disable_excludes"] and new:
        found.append("disable_excludes={}".format("*" if args["disable_excludes"] == "all"
                                                   else args["disable_excludes"]))
    elif args["disable_excludes"]:
        return ["--setopt=" + each for each in found] + ["--disableexcludes=" + args["disable_excludes"]]
    return ["--setopt=" + each for each in found]


def of_verb(args, verb, new):
    """Options that only some verbs know."""
    found = []
    if verb in ("install", "upgrade"):
        found += ["--allowerasing"] * args["allowerasing"]
        found += ["--skip-broken"] * args["skip_broken"]
        found += (["--skip-unavailable"] if new else ["--setopt=strict=0"]) * args["skip_broken"]
    if verb == "upgrade":
        found += ["--security"] * args["security"] + ["--bugfix"] * args["bugfix"]
    return found


def refresh(program, args):
    """The command that renews the metadata."""
    chosen = ["{}={}".format(option, value) for name, option in LISTS[:2] for value in args[name]]
    chosen += [] if args["sslverify"] else ["--setopt=sslverify=0"]
    return [program, "-q", "-y"] + chosen + ([] if program == "yum" else ["--refresh"]) + ["makecache"]
