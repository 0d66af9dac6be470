"""The tasks of twenty.yml in pyinfra's words, one for one. Run by pyinfra, not imported by anything here."""

import io
import os

from pyinfra import host
from pyinfra.facts.files import File, FindFiles
from pyinfra.facts.server import Command
from pyinfra.operations import files, server

WORK = os.path.dirname(os.path.abspath(__file__))
place = host.data.place
label = host.data.host_label
conf = f"{place}/etc/base.conf"

files.directory(name="1 folder", path=place, mode="755")
files.directory(name="2 folder in it", path=f"{place}/etc", mode="750")
files.directory(name="3 folder beside it", path=f"{place}/log", mode="755")
files.put(name="4 file from the controller", src=f"{WORK}/files/base.conf", dest=conf, mode="644")
files.put(name="5 file from text", src=io.StringIO("plain text\n"), dest=f"{place}/motd", mode="644")
files.template(name="6 template", src=f"{WORK}/templates/app.conf.j2", dest=f"{place}/etc/app.conf", mode="644",
               host_label=label)
files.template(name="7 smaller template", src=f"{WORK}/templates/env.j2", dest=f"{place}/etc/env", mode="600",
               host_label=label)
files.line(name="8 line appended", path=conf, line="delta = 4")
files.line(name="9 line changed", path=conf, line="^beta = .*$", replace="beta = 20")
files.replace(name="10 text replaced", path=conf, text="gamma", replace="GAMMA")
files.link(name="11 link", path=f"{place}/current", target=f"{place}/etc/app.conf")
files.file(name="12 mode of a file", path=f"{place}/motd", mode="640")
host.get_fact(File, path=f"{place}/etc/app.conf")
uname = host.get_fact(Command, command="uname -s")
server.shell(name="15 shell", commands=[f"ls {place}/etc | wc -l > {place}/count"])
server.shell(name="16 command that makes a file, once",
             commands=[f"test -e {place}/log/first || cp {place}/motd {place}/log/first"])
host.get_fact(FindFiles, path=f"{place}/etc", name="*.conf")
files.put(name="18 scratch file", src=io.StringIO("scratch\n"), dest=f"{place}/scratch", mode="600")
files.file(name="19 scratch file removed", path=f"{place}/scratch", present=False)
# pyinfra gathers facts before it acts: what is found must be asked for when the command runs.
server.shell(name="20 command with what was found before",
             commands=[f"echo {uname} $(find {place}/etc -name '*.conf' | wc -l) > {place}/summary"])
