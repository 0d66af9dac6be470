"""The control plane against real outside parties: an OpenID provider, a mail server, a reverse proxy, a browser."""
