"""Logging in: by password, and by a link that sets one."""

from __future__ import annotations

from orchestrator.access import passwords
from orchestrator.access.links import FIRST, RESET, Link, Links
from orchestrator.access.records import ACTIVE, NewSession
from orchestrator.access.sessions import Sessions
from orchestrator.access.throttle import Throttle
from orchestrator.access.users import LOCAL, Users, plain_name
from orchestrator.refusals import Refused, Throttled, Unidentified
from orchestrator.store.books import Books

LONGEST_NAME = 200


class Logins:
    def __init__(self, books: Books, users: Users, sessions: Sessions, links: Links, throttle: Throttle) -> None:
        self._books = books
        self._users, self._sessions, self._links, self._throttle = users, sessions, links, throttle

    def login(self, name: str, password: str, address: str = "", user_agent: str = "",
              before: str = "") -> NewSession:
        """A session. Raises `Unidentified`, in the same words and after the same work whatever was wrong; `Throttled`.

        ``before``: the cookie that came with the request; that session ends.
        """
        name = plain_name(name[:LONGEST_NAME])
        try:
            self._throttle.begin(name, address)
        except Throttled as error:
            self._books.audit.refused("", "login", "", error.code, address)
            raise
        known = self._users.secrets(name)
        right = passwords.is_right(known.password_hash if known else None, password)
        if known is None or not right or known.state != ACTIVE or known.source != LOCAL:
            # Of a user that there is, the name is told to the audit trail; another might be somebody's password.
            self._books.audit.refused(known.name if known else "", "login", "", "login_failed", address)
            raise Unidentified("the name or the password is not right", code="login_failed")
        with self._books.transaction():
            user = self._users.find(known.id)
            if user.state != ACTIVE:
                raise Unidentified("the name or the password is not right", code="login_failed")
            self._throttle.forgive(name, address)
            self._users.seen(user.id, self._books.clock())
            made = self._sessions.begin(user, address, user_agent, before)
            self._books.audit.write(user.name, "login", user.name, address=address)
        return made

    def logout(self, secret: str, actor: str, address: str = "") -> None:
        with self._books.transaction():
            self._sessions.end(secret)
            self._books.audit.write(actor, "logout", actor, address=address)

    def look(self, token: str) -> str:
        """The name of the user whose link it is. Raises `Unidentified`; nothing is used up."""
        return self._users.find(self._link(token).user_id or "").name

    def use_link(self, token: str, password: str, address: str = "", user_agent: str = "") -> NewSession:
        """Set the password, use the link up, begin a session. Raises `Unidentified`, `Malformed`."""
        kind = self._link(token).kind
        with self._books.transaction():
            link, _ = self._links.use(kind, token)
            user = self._users.find(link.user_id or "")
            if user.state != ACTIVE:
                raise Unidentified("this account is locked", code="user_locked")
            self._users.store_password(user, password)
            self._users.seen(user.id, self._books.clock())
            self._throttle.forgive_name(user.name)
            made = self._sessions.begin(self._users.find(user.id), address, user_agent)
            self._books.audit.write(user.name, "login.link", user.name, address=address, kind=kind)
        return made

    def _link(self, token: str) -> Link:
        refusal: Refused | None = None
        for kind in (FIRST, RESET):
            try:
                return self._links.look(kind, token)
            except Unidentified as error:
                if refusal is None or error.code != "link_unknown":
                    refusal = error
        assert refusal is not None
        raise refusal
