"""What is said to an OpenID provider, and what of its answers is believed. Blocking; no store.

Authorization code with PKCE (authlib); the ID token is checked here by joserfc: signature by a key of the provider's,
issuer, audience, nonce, times. Names and groups that it does not hold are asked for at the userinfo endpoint, which by
OpenID Connect Core 5.4 is their place. What the provider says is data: bounded, and never a reason for a traceback.
"""

from __future__ import annotations

import ssl
import time
import warnings
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlsplit

from msgspec import Struct

from orchestrator.refusals import Refused, Unidentified

TIMEOUT_S = 10.0
KNOWN_S = 3_600.0
LEEWAY_S = 60
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Never ``none``, nor one by which the client's own secret would sign."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
MOST_GROUPS, LONGEST_TEXT = 500, 200
LONGEST_SUBJECT = 255
"""By OpenID Connect Core 2; a longer one is refused: two that are cut might be the same."""
LARGEST_ANSWER = 1 << 20


class Client(Struct, frozen=True):
    """Who we are at the provider."""

    issuer: str
    client_id: str
    client_secret: str
    scopes: tuple[str, ...]
    redirect_uri: str


class Claims(Struct, frozen=True):
    """What is taken from an ID token."""

    issuer: str
    subject: str
    name: str
    display_name: str
    email: str
    groups: tuple[str, ...]


class Provider:
    """One for each process; discovery and keys are kept for an hour, keys fetched again for one that is unknown."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, dict[str, Any]]] = {}

    def address(self, client: Client, state: str, nonce: str, verifier: str) -> str:
        """Where the browser is sent. Raises `Refused` when the provider is not to be had."""
        with self._session(client) as session:
            url, _ = session.create_authorization_url(
                self._endpoint(client, "authorization_endpoint"), state=state, nonce=nonce, code_verifier=verifier)
            return str(url)

    def claims(self, client: Client, code: str, nonce: str, verifier: str, groups_claim: str,
               name_claim: str) -> Claims:
        """The ID token for ``code``. Raises `Unidentified` when any of it does not hold."""
        url = self._endpoint(client, "token_endpoint")
        try:
            with self._session(client) as session:
                answer = session.fetch_token(url, grant_type="authorization_code", code=code, code_verifier=verifier)
        except Exception as error:  # of httpx and of authlib, which share no parent
            raise _bad("the provider did not take its own code") from error
        token = answer.get("id_token") if isinstance(answer, Mapping) else None
        if not isinstance(token, str):
            raise _bad("the provider sent no ID token")
        found = self._verified(client, token, nonce)
        if not {groups_claim, name_claim} <= found.keys():
            found = {**self._userinfo(client, answer.get("access_token"), found["sub"]), **found}
        return read_claims(found, groups_claim, name_claim)

    def _userinfo(self, client: Client, access_token: Any, subject: str) -> dict[str, Any]:
        """More about who logged in; nothing from a provider without that endpoint."""
        url = self._discovered(client).get("userinfo_endpoint")
        if not isinstance(url, str) or not is_safe(url) or not isinstance(access_token, str):
            return {}
        try:
            told = _fetched(url, {"Authorization": f"Bearer {access_token}"})
        except Refused as error:
            raise _bad("the provider does not tell who logged in") from error
        if told.get("sub") != subject:
            raise _bad("the provider tells of somebody else")
        return told

    def _verified(self, client: Client, token: str, nonce: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet
        from joserfc.jwt import JWTClaimsRegistry

        def decoded(fresh: bool) -> Any:
            keys = self._get(self._endpoint(client, "jwks_uri"), fresh)
            return jwt.decode(token, KeySet.import_key_set(keys), algorithms=list(ALGORITHMS))  # type: ignore[arg-type]

        try:
            try:
                found = decoded(False)
            except (JoseError, ValueError, KeyError):
                found = decoded(True)  # the provider may have changed its keys since
            JWTClaimsRegistry(
                leeway=LEEWAY_S, iss={"essential": True, "value": client.issuer},
                aud={"essential": True, "value": client.client_id}, sub={"essential": True}, exp={"essential": True},
                iat={"essential": True}, nonce={"essential": True, "value": nonce}).validate(found.claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise _bad("the provider's ID token does not hold") from error
        claims: dict[str, Any] = found.claims
        if not isinstance(claims["sub"], str) or len(claims["sub"]) > LONGEST_SUBJECT:
            raise _bad("the provider's ID token is about nobody")
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != client.client_id:
            raise _bad("the provider's ID token is for another")
        return claims

    def _endpoint(self, client: Client, name: str) -> str:
        value = self._discovered(client).get(name)
        if not isinstance(value, str) or not is_safe(value):
            raise Refused(f"the provider names no {name} that is safe", code="oidc_provider")
        return value

    def _discovered(self, client: Client) -> dict[str, Any]:
        found = self._get(client.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != client.issuer:
            raise Refused("the provider calls itself by another name than the settings do", code="oidc_provider")
        return found

    def _get(self, url: str, fresh: bool = False) -> dict[str, Any]:
        known = self._found.get(url)
        if known is not None and not fresh and time.monotonic() - known[0] < KNOWN_S:
            return known[1]
        found = _fetched(url)
        self._found[url] = (time.monotonic(), found)
        return found

    def _session(self, client: Client) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # authlib would have its fork of httpx
            from authlib.integrations.httpx_client import OAuth2Client  # type: ignore[import-untyped]

        return OAuth2Client(client.client_id, client.client_secret or None, scope=" ".join(client.scopes),
                            redirect_uri=client.redirect_uri, code_challenge_method="S256", timeout=TIMEOUT_S,
                            verify=_trusted(), token_endpoint_auth_method=self._auth_method(client))

    def _auth_method(self, client: Client) -> Any:
        """How the client shows its secret: by HTTP Basic, the default, or in the body where that alone goes."""
        if not client.client_secret:
            return "none"
        known = self._discovered(client).get("token_endpoint_auth_methods_supported")
        if isinstance(known, list) and "client_secret_basic" not in known and "client_secret_post" in known:
            return "client_secret_post"
        return _basic


def _basic(client: Any, method: str, uri: str, headers: Any, body: Any) -> tuple[str, Any, Any]:
    """By RFC 6749, 2.3.1, which authlib's own does not follow: both parts are form-encoded before they are joined."""
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    return uri, headers, body


def _fetched(url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A JSON object of the provider's. Raises `Refused`."""
    import httpx

    try:
        answer = httpx.get(url, headers=dict(headers or {}), timeout=TIMEOUT_S, follow_redirects=False,
                           verify=_trusted())
        answer.raise_for_status()
        found = answer.json() if len(answer.content) <= LARGEST_ANSWER else None
    except (httpx.HTTPError, ValueError) as error:
        raise Refused("the identity provider does not answer", code="oidc_provider") from error
    if not isinstance(found, dict):
        raise Refused("the identity provider answers something else", code="oidc_provider")
    return found


def _trusted() -> ssl.SSLContext:
    """The authorities that httpx brings, and this machine's: a company's provider is often signed by its own."""
    import httpx

    context = httpx.create_ssl_context()
    context.load_default_certs()
    return context


def is_safe(url: str) -> bool:
    """https; or plain, to this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in LOOPBACK))


def read_claims(claims: Mapping[str, Any], groups_claim: str, name_claim: str) -> Claims:
    """The bounded part of an ID token that is used."""
    groups = claims.get(groups_claim)
    listed = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
    texts = tuple(str(one)[:LONGEST_TEXT] for one in listed[:MOST_GROUPS] if isinstance(one, str))
    email = _text(claims.get("email")) if claims.get("email_verified") is not False else ""
    return Claims(str(claims["iss"]), str(claims["sub"]), _text(claims.get(name_claim)),
                  _text(claims.get("name")), email, texts)


def role_of(groups: tuple[str, ...], roles: Mapping[str, str], otherwise: str, ranks: tuple[str, ...]) -> str | None:
    """The highest role that one of the groups gives; ``otherwise`` (or None for empty) where none does."""
    given = [roles[group] for group in groups if group in roles]
    return max(given, key=ranks.index) if given else otherwise or None


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(sign for sign in text if sign.isprintable())[:LONGEST_TEXT]


def _bad(message: str) -> Unidentified:
    return Unidentified(message, code="oidc_failed", hint="begin again: log in")
