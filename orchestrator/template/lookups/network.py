"""``url``: what a web server says, asked from the controller."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from orchestrator.errors import TemplateError
from orchestrator.template.filters.values import to_bool
from orchestrator.template.lookups.call import LookupCall, text

MAX_BYTES = 64 * 1024 * 1024


def url_content(
    terms: list[Any], call: LookupCall, split_lines: Any = True, validate_certs: Any = True, headers: Any = None,
    timeout: Any = 10, username: str | None = None, password: str | None = None, http_agent: str = "ansible-httpget",
    ca_path: str | None = None, **ignored: Any,
) -> list[Any]:
    """The body, by lines unless ``split_lines=false``. Only http and https; a redirect stays within those."""
    found: list[Any] = []
    for term in terms:
        data = _get(str(term), validate_certs, headers or {}, float(timeout), username, password, http_agent, ca_path)
        body = text(data)
        found += body.splitlines() if to_bool(split_lines) else [body]
    return found


def _get(
    url: str, validate: Any, headers: Any, timeout_s: float, user: str | None, password: str | None, agent: str,
    ca_path: str | None,
) -> bytes:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise TemplateError(f"url: only http and https are fetched, not {parts.scheme or 'this'}")
    context = ssl.create_default_context(cafile=ca_path)
    if not to_bool(validate):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    request = urllib.request.Request(url, headers={"User-Agent": agent, **{str(k): str(v) for k, v in headers.items()}})
    if user is not None:
        import base64

        token = base64.b64encode(f"{user}:{password or ''}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    shown = f"{parts.scheme}://{parts.hostname}{':' + str(parts.port) if parts.port else ''}{parts.path}"
    try:
        with opener.open(request, timeout=timeout_s) as response:
            data: bytes = response.read(MAX_BYTES + 1)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise TemplateError(f"url: cannot fetch {shown}: {getattr(error, 'reason', error)}") from error
    if len(data) > MAX_BYTES:
        raise TemplateError(f"url: {shown} is larger than {MAX_BYTES // 2**20} MiB")
    return data
