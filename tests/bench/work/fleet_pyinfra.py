"""The tasks of fleet.yml in pyinfra's words, one for one. Run by pyinfra, not imported by anything here."""

import os

from pyinfra import config, host
from pyinfra.facts.files import File, FindFiles
from pyinfra.facts.server import Arch, Hostname, Kernel
from pyinfra.operations import apt, files, git, server

config.SUDO = True

WORK = os.path.dirname(os.path.abspath(__file__))
place = host.data.place
label = host.data.host_label
user = host.data.ssh_user
conf = f"{place}/etc/base.conf"

# What pyinfra uploads is named after its local path, and our hosts share one /tmp: each needs a path of its own.
archive = f"{WORK}/{label}.tar.gz"
if not os.path.lexists(archive):
    os.symlink(host.data.archive, archive)

# 1 facts: pyinfra fetches those that are asked for
facts = {"system": host.get_fact(Kernel), "architecture": host.get_fact(Arch),
         "hostname": host.get_fact(Hostname).split(".")[0]}
server.group(name="2 group", group=user)
server.user(name="3 user", user=user, shell="/bin/sh")
server.packages(name="4 package", packages=["coreutils"])
apt.packages(name="5 packages by apt", packages=["tar", "gzip", "sed"])
files.directory(name="6 folder", path=f"{place}/etc", user="root", group="root", mode="750")
files.directory(name="7 folder for the release", path=f"{place}/release", user="root", group="root", mode="755")
files.template(name="8 template", src=f"{WORK}/templates/fleet_app.conf.j2", dest=f"{place}/etc/app.conf", mode="640",
               host_label=label, ansible_facts=facts)
files.template(name="9 smaller template", src=f"{WORK}/templates/fleet_env.j2", dest=f"{place}/etc/env", mode="600",
               host_label=label, ansible_facts=facts)
files.put(name="10 file from the controller", src=f"{WORK}/files/base.conf", dest=conf, user="root", mode="644")
files.line(name="11 line changed", path=conf, line="^beta = .*$", replace="beta = 20")
files.block(name="12 block added", path=conf, marker="# {mark} MANAGED BLOCK",
            content=f"listen = 127.0.0.1\nname = {label}")
files.download(name="13 download", src=host.data.download_url, dest=f"{place}/payload.txt", mode="644")
files.unarchive(name="14 archive unpacked", src=archive, dest=f"{place}/release",
                creates=f"{place}/release/VERSION")
git.repo(name="15 sources", src=host.data.repository, dest=f"{place}/src", branch="main")
files.link(name="16 link", path=f"{place}/current", target=f"{place}/release")
server.shell(name="17 command that makes a file, once",
             commands=[f"test -e {conf}.first || install -m 0600 {conf} {conf}.first"])
host.get_fact(File, path=f"{place}/current/bin/app")
host.get_fact(FindFiles, path="/etc", name="*.conf", maxdepth=1)
# pyinfra gathers facts before it acts: what depends on the file's being there must ask when the command runs.
server.shell(name="20 shell", commands=[f"test -e {place}/current/bin/app && ls {place}/src | wc -l > {place}/sums"])
