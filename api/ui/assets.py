"""The page's own files: read once, served from memory, each under an address that changes with its content."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from litestar import Response, get
from litestar.params import FromPath
from msgspec import Struct

from api.problems import Problem

FOLDER = Path(__file__).parent / "static"
ROOT = "/static"
FOR_EVER = "public, max-age=31536000, immutable"
SERVED = frozenset({".css", ".js", ".svg"})


class Asset(Struct, frozen=True):
    body: bytes
    media_type: str
    digest: str


@cache
def assets() -> dict[str, Asset]:
    """All of them, by their path below the folder."""
    return {path.relative_to(FOLDER).as_posix(): _read(path)
            for path in sorted(FOLDER.rglob("*")) if path.suffix in SERVED}


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    kind = "text/javascript" if path.suffix == ".js" else mimetypes.guess_type(path.name)[0] or "text/css"
    return Asset(body, f"{kind}; charset=utf-8", hashlib.sha256(body).hexdigest()[:12])


def asset_url(name: str) -> str:
    """Where a browser finds it. Raises `KeyError` for one that is not there."""
    return f"{ROOT}/{name}?{assets()[name].digest}"


@get(f"{ROOT}/{{path:path}}", open_to_all=True, include_in_schema=False)
async def static_file(path: FromPath[str]) -> Response[bytes]:
    found = assets().get(path.lstrip("/"))
    if found is None:
        raise Problem(404, "not_found", "there is no such file")
    return Response(found.body, media_type=found.media_type,
                    headers={"Cache-Control": FOR_EVER, "X-Content-Type-Options": "nosniff"})
