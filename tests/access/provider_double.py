"""A DOUBLE of an OpenID provider, over real HTTP: discovery, authorization code with PKCE (S256), signed ID tokens.

For what a real one does not do (`tests/e2e/outside` has one): ``lies`` make its ID tokens wrong in one way each. It
checks what a provider must: the client's secret, the redirect, that a code is used once, and that the verifier belongs
to the challenge.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "orch", "the client's secret"


class ProviderDouble:
    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.claims: dict[str, Any] = {"sub": "4711", "preferred_username": "Ann", "name": "Ann A.",
                                       "email": "ann@example.com", "groups": ["ops"]}
        self.lies: dict[str, Any] = {}
        """Claims that replace the true ones; ``alg``: ``none``, ``HS256`` or ``other`` for a signature of no worth."""
        self.userinfo: dict[str, Any] | None = None
        """What it tells at that endpoint; None: it has none."""
        self._codes: dict[str, dict[str, str]] = {}
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                double.get(self)

            def do_POST(self) -> None:
                double.post(self)

            def log_message(self, *words: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def rotate(self) -> None:
        """Another signing key, as providers change them."""
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig", "alg": "RS256"})

    def get(self, request: BaseHTTPRequestHandler) -> None:
        path = urlsplit(request.path)
        if path.path == "/.well-known/openid-configuration":
            answer(request, {"issuer": self.lies.get("issuer", self.issuer), "jwks_uri": f"{self.issuer}/keys",
                             "authorization_endpoint": f"{self.issuer}/authorize",
                             "token_endpoint": f"{self.issuer}/token",
                             **({"userinfo_endpoint": f"{self.issuer}/me"} if self.userinfo is not None else {})})
        elif path.path == "/keys":
            answer(request, {"keys": [self.key.as_dict(private=False)]})
        elif path.path == "/me":
            is_known = request.headers.get("authorization") == "Bearer a"
            answer(request, self.userinfo or {}, 200 if is_known else 401)
        elif path.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(path.query).items()}
            wrong = (asked.get("client_id") != CLIENT_ID or asked.get("response_type") != "code"
                     or asked.get("code_challenge_method") != "S256" or "openid" not in asked.get("scope", "").split())
            if wrong:
                answer(request, {"error": "invalid_request"}, 400)
                return
            code = secrets.token_urlsafe(16)
            self._codes[code] = asked
            request.send_response(302)
            request.send_header("Location", f"{asked['redirect_uri']}?" + urlencode(
                {"code": code, "state": asked["state"], "session_state": "x"}))
            request.end_headers()
        else:
            answer(request, {}, 404)

    def post(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("content-length", 0))
        given = {name: values[0] for name, values in parse_qs(request.rfile.read(length).decode()).items()}
        asked = self._codes.pop(given.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT_ID}:{quote_plus(CLIENT_SECRET)}".encode()).decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
        if (asked is None or request.headers.get("authorization") != f"Basic {basic}"
                or asked["code_challenge"] != challenge.decode().rstrip("=")
                or given.get("redirect_uri") != asked["redirect_uri"]):
            answer(request, {"error": "invalid_grant"}, 400)
            return
        answer(request, {"access_token": "a", "token_type": "Bearer", "id_token": self._token(asked["nonce"])})

    def _token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce, **self.claims}
        lies = dict(self.lies)
        alg = lies.pop("alg", "")
        claims = {name: value for name, value in {**claims, **lies}.items() if value is not None}
        if alg == "none":
            head, body = ({"alg": "none"}, claims)
            return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
                            for part in (head, body)) + "."
        if alg == "HS256":
            public = self.key.as_pem(private=False)
            return jwt.encode({"alg": "HS256", "kid": "one"}, claims, OctKey.import_key(public))
        key = RSAKey.generate_key(2048) if alg == "other" else self.key
        return jwt.encode({"alg": "RS256", "kid": self.key.kid or ""}, claims, key)


def answer(request: BaseHTTPRequestHandler, body: dict[str, Any], status: int = 200) -> None:
    data = json.dumps(body).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(data)))
    request.end_headers()
    request.wfile.write(data)
