"""The one-liner's other end: a script made for one invitation, and the agentlet's file that it fetches."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Controller, Request, Response, get
from litestar.params import FromPath

from api.agents.gateway import Gateway, gateway_of
from api.agents.identity import ANY_PROTOCOL, OPEN
from api.problems import Problem
from orchestrator.agents.releases import this_release
from orchestrator.refusals import Refused

SCRIPT = Path(__file__).with_name("install.sh")
HOST = re.compile(r"[A-Za-z0-9.\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
FOR_CURL = {OPEN: True, ANY_PROTOCOL: True}
PLAIN = "text/plain"


class InstallController(Controller):
    path = "/install/{token:str}"

    @get("/", opt=FOR_CURL)
    async def script(self, request: Request[Any, Any, Any], token: FromPath[str]) -> Response[str]:
        """A POSIX shell script; for a token that is not good, one that says so and fails: curl would hide a status."""
        gateway = gateway_of(request)
        try:
            await _check(request, token)
        except Refused as refused:
            return Response(refusal_script(refused.message, refused.hint), media_type=PLAIN)
        url = gateway.url or _called_url(request, gateway)
        return Response(install_script(url, gateway.pin(), token, this_release().sha256), media_type=PLAIN)

    @get("/agentlet.pyz", opt=FOR_CURL)
    async def program(self, request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes]:
        """The agentlet's one file, for whoever has an invitation that is still good."""
        await _check(request, token)
        return Response(this_release().data, media_type="application/zip")


def install_script(url: str, pin: str | None, token: str, digest: str) -> str:
    """The script with its values in it, each quoted for the shell."""
    text = _template()
    for name, value in (("URL", url), ("PIN", pin or ""), ("TOKEN", token), ("DIGEST", digest)):
        text = text.replace(f"@{name}@", shlex.quote(value), 1)
    return text


def refusal_script(message: str, hint: str | None) -> str:
    text = f"orch: {message}" + (f" ({hint})" if hint else "")
    return f"#!/bin/sh\necho {shlex.quote(text)} >&2\nexit 1\n"


async def _check(request: Request[Any, Any, Any], token: FromPath[str]) -> None:
    """Raises `Refused` for a token that is not good; it is not used up by this."""
    gateway, address = gateway_of(request), request.auth.address
    gateway.check_try(address)
    await gateway.desk.call(lambda desk: desk.check_invitation(token, address=address))


def _called_url(request: Request[Any, Any, Any], gateway: Gateway) -> str:
    """The address by which we were called: where the script came from, the agentlet goes on calling."""
    host = request.headers.get("host", "")
    if not HOST.fullmatch(host):
        raise Problem(400, "host_invalid", "the request does not name the server's host")
    return f"https://{host}"


@cache
def _template() -> str:
    return SCRIPT.read_text()
