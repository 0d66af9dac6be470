"""What the server writes to its log: one JSON object per line on stderr, or plain lines on a terminal.

Every line of a request has its id; lines about runs and hosts have ``run`` and ``host``. No path with its values, no
query string, no header and no body is ever logged: tokens are in those.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

LEVELS = ("debug", "info", "warning", "error")
QUIET = {"uvicorn": logging.ERROR, "litestar": logging.WARNING, "httpx": logging.WARNING, "httpcore": logging.WARNING,
         "authlib": logging.WARNING, "dbos": logging.WARNING, "asyncio": logging.WARNING, "botocore": logging.WARNING,
         "boto3": logging.WARNING, "urllib3": logging.WARNING, "sqlalchemy": logging.WARNING,
         "asyncssh": logging.WARNING, "alembic": logging.WARNING}
"""Libraries that tell more than what orch does; uvicorn's warnings are what strangers send to an open port."""


def set_up(level: str = "info", as_json: bool | None = None) -> None:
    """All loggers of the process, structlog's and the standard library's, into the same lines.

    ``as_json`` None: unless stderr is a terminal.
    """
    as_json = not sys.stderr.isatty() if as_json is None else as_json
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(), structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    last += ([structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)] if as_json
             else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())])
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(getattr(logging, level.upper()))
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(quiet)
    structlog.configure(
        processors=[*shared[:1], structlog.stdlib.filter_by_level, *shared[1:3],
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                    structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(), cache_logger_on_first_use=True)
