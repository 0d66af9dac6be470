"""What an admin sets for all channels: the group ``notify`` of the settings."""

from __future__ import annotations

from ipaddress import ip_network
from urllib.parse import urlsplit

from msgspec import Struct, field

SERVED_KEY = "served"
MOST_NETWORKS = 50


class Served(Struct):
    """What `orch serve` was started with, for messages that other processes write."""

    url: str = ""


class NotifySettings(Struct, forbid_unknown_fields=True):
    allowed_networks: list[str] = field(default_factory=list)
    """Inner networks (``127.0.0.0/8``) that webhooks and pings may be sent to although they lead to this machine."""
    page_url: str = ""
    """Where people reach the page, for links in messages: ``https://orch.example.com``. Empty: what `orch serve
    --page-url` said."""

    def __post_init__(self) -> None:
        if len(self.allowed_networks) > MOST_NETWORKS:
            raise ValueError(f"{MOST_NETWORKS} networks at most")
        for one in self.allowed_networks:
            ip_network(one, strict=False)
        if self.page_url:
            parts = urlsplit(self.page_url)
            if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
                raise ValueError("page_url begins with https:// and a host")
