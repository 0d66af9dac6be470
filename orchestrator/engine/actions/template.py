"""Renders a template on the controller and keeps a file on the host equal to the result.

Example:

    - template:
        src: nginx.conf.j2
        dest: /etc/nginx/nginx.conf
        mode: "0644"
        validate: nginx -t -c %s
      notify: reload nginx

Returns: what ``copy`` returns. The rendered text travels only when the file on the host differs.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from modules.api import Arg
from orchestrator.engine.actions.copy import Blobs, offer_bytes
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, failure
from orchestrator.errors import OrchError, TaskFault

TEXT_OPTIONS = ("newline_sequence", "block_start_string", "block_end_string", "variable_start_string",
                "variable_end_string", "comment_start_string", "comment_end_string", "trim_blocks", "lstrip_blocks",
                "output_encoding")
PASSED_ON = ("backup", "force", "validate", "follow", "owner", "group", "mode", "attributes", "attr", "unsafe_writes",
             "selevel", "serole", "setype", "seuser")

ARGS = {
    "src": Arg("path", required=True, help="The template, searched in templates/ of the role, then of the playbook."),
    "dest": Arg("path", required=True, help="The file on the host, or a directory to put it into."),
    "backup": Arg("bool", default=False, help="Keep the old file beside the new one."),
    "force": Arg("bool", default=True, help="Replace a file that differs; false: only make one that is missing."),
    "validate": Arg("str", help="A command that must succeed on the new file (%s) before it is put in place."),
    "follow": Arg("bool", default=False, help="Write through a link instead of replacing it."),
    "newline_sequence": Arg("str", default="\n", choices=["\n", "\r", "\r\n", "\\n", "\\r", "\\r\\n"],
                            help="What ends a line."),
    "block_start_string": Arg("str", default="{%", help="Begins a block."),
    "block_end_string": Arg("str", default="%}", help="Ends a block."),
    "variable_start_string": Arg("str", default="{{", help="Begins an expression."),
    "variable_end_string": Arg("str", default="}}", help="Ends an expression."),
    "comment_start_string": Arg("str", help="Begins a comment."),
    "comment_end_string": Arg("str", help="Ends a comment."),
    "trim_blocks": Arg("bool", default=True, help="Drop the newline after a block."),
    "lstrip_blocks": Arg("bool", default=False, help="Drop blanks before a block."),
    "output_encoding": Arg("str", default="utf-8", help="Encoding of the file on the host."),
    "owner": Arg("str", help="The file's owner."),
    "group": Arg("str", help="The file's group."),
    "mode": Arg("mode", help="The file's permissions."),
    "attributes": Arg("str", aliases=("attr",), help="Attributes as chattr takes them."),
    "unsafe_writes": Arg("bool", default=False, help="Accepted; a file is always replaced by one rename."),
    "seuser": Arg("str", help="SELinux user."), "serole": Arg("str", help="SELinux role."),
    "setype": Arg("str", help="SELinux type."), "selevel": Arg("str", help="SELinux level."),
}


async def run(call: Call) -> Value:
    args = call.args
    if not args.get("src") or not args.get("dest"):
        return failure("src and dest are required", "arguments")
    try:
        path = call.find("templates", str(args["src"]))
        text = _rendered(call, path)
        data = text.encode(str(args.get("output_encoding") or "utf-8"), "surrogateescape")
    except (LookupError, UnicodeEncodeError) as error:
        return failure(f"cannot encode the result: {error}", "encoding")
    passed: dict[str, Any] = {k: args[k] for k in PASSED_ON if k in args}
    if passed.get("mode") == "preserve":
        passed["mode"] = f"0{path.stat().st_mode & 0o7777:o}"
    blobs: Blobs = {}
    passed["dest"] = args["dest"]
    passed["_original_basename"] = path.name
    passed["src"] = offer_bytes(data, blobs)
    value = await call.execute("copy", {k: v for k, v in passed.items() if v is not None}, blobs=blobs)
    _name_source(value, path)
    return value


def _rendered(call: Call, path: Path) -> str:
    try:
        source = call.run.files.text(path, call.run.loader.content)
    except UnicodeDecodeError:
        raise TaskFault(f"{path} is not UTF-8", code="template_encoding", origin=call.task.origin) from None
    options = {k: call.args[k] for k in TEXT_OPTIONS if k in call.args and k != "output_encoding"}
    try:
        return call.run.engine.render_text(source, call.scope, call.task.origin, file=path, dest=call.args["dest"],
                                           search=_search(call, path), **options)
    except OrchError as error:
        if not error.trail:
            error.trail = (*call.task.trail, f"template {path.name} at {call.task.origin}")
        raise


def _search(call: Call, path: Path) -> list[str]:
    """Where include, import and extends look: beside the template, the role's templates, the playbook's."""
    folders = [str(path.parent)]
    role = call.task.role
    while role is not None:
        folders += [os.path.join(role.path, "templates"), role.path]
        role = role.parents[-1] if role.parents else None
    playbook = os.path.dirname(os.path.abspath(call.play.play.origin.file))
    return [*folders, os.path.join(playbook, "templates"), playbook]


def _name_source(value: Value, path: Path) -> None:
    for entry in value.get("diff") or []:
        if isinstance(entry, dict) and entry.get("after") is not None:
            entry["after_header"] = str(path)
