"""How to start a runtime as another user, and what it means when that does not work. Pure: argument lists and texts.

``sudo`` keeps stdin and stdout for the frames and asks for a password on its controlling terminal alone. ``su`` asks
on its stdin, which is therefore the terminal, and the frames go over descriptors 3 and 4. A password is written only
after a prompt was seen, on a terminal made on this host; it is never in an argument list.
"""

import collections
import re
import shlex

from agentlet import launch

METHODS = ("sudo", "su")

Identity = collections.namedtuple("Identity", "method user flags exe secret prompts")
Fault = collections.namedtuple("Fault", "code message hint")

_USER = re.compile(r"^[A-Za-z0-9_#][A-Za-z0-9_.@\\$-]{0,255}$")
_GENERIC_PROMPT = re.compile(r"(?:password|passcode|passphrase|kennwort|passwort|mot de passe|contrase.a)[^\r\n]*:\s*$",
                             re.IGNORECASE)
_MEANINGS = (
    (r"a password is required|terminal is required to read|no askpass program|password required",
     "become_password_missing", "%(method)s asks for a password to become %(user)s",
     "Give it with -K, or ansible_become_password"),
    (r"must have a tty|requires a tty", "become_tty_required", "%(method)s insists on a terminal", None),
    (r"incorrect password|Sorry, try again|Authentication failure|Authentication token|incorrect authentication",
     "become_password_wrong", "The password for %(method)s to %(user)s is wrong", "Check ansible_become_password"),
    (r"unknown user|does not exist|No passwd entry|unknown login", "become_user_unknown",
     "There is no user %(user)s on this host", "Create it first, or check become_user"),
    (r"not in the sudoers|is not allowed to|may not run|not permitted", "become_not_allowed",
     "%(me)s may not become %(user)s with %(method)s", "Grant it in /etc/sudoers.d, or use another become_method"),
    (r"currently not available|no login shell", "become_no_shell", "The user %(user)s has no login shell; su needs one",
     "Use become_method: sudo, or become_flags: -s /bin/sh"),
)


def identity_of(become, me):
    """The identity a task runs as; None for the user that this runtime has already."""
    if not become:
        return None
    user = become.get("user") or "root"
    if user == me:
        return None
    return Identity(become.get("method") or "sudo", user, become.get("flags"), become.get("exe"), become.get("secret"),
                    tuple(become.get("prompts") or ()))


def refuse(identity):
    """A `Fault` when this cannot be tried at all, else None."""
    if identity.method not in METHODS:
        return Fault("become_method_unknown", "There is no become method %s" % identity.method, "Use one of: sudo, su")
    if not _USER.match(identity.user):
        return Fault("become_user_unknown", "%r cannot be the name of a user" % identity.user, None)
    return None


def argv(identity, prompt, marker, size, interpreters, has_password):
    """The argument list that starts a runtime as that user."""
    if identity.method == "su":
        line = launch.command(marker, size, interpreters, "exec <&3 >&4 3<&- 4>&-; ")
        return [identity.exe or "su"] + shlex.split(identity.flags or "") + [identity.user, "-c", line]
    flags = _sudo_flags("-H" if identity.flags is None else identity.flags)
    asking = ["-p", prompt] if has_password else ["-n"]
    return [identity.exe or "sudo"] + flags + asking + ["-u", identity.user, "--"] \
        + launch.argv(marker, size, interpreters)


def prompt_seen(text, prompt, named=()):
    """True when the last thing on the terminal asks for a password. ``named``: the operator's own words for it."""
    return prompt in text or _GENERIC_PROMPT.search(text) is not None or any(
        re.search(re.escape(word) + r"\s*[:\uff1a]\s*$", text, re.IGNORECASE) for word in named)


def meaning(identity, text, me, asked):
    """What the messages of sudo or su mean, as a `Fault`. ``asked``: how often a password was asked for."""
    words = {"method": identity.method, "user": identity.user, "me": me}
    if asked > 1:
        return Fault("become_password_wrong", "The password for %(method)s to %(user)s is wrong" % words,
                     "Check ansible_become_password")
    for pattern, code, message, hint in _MEANINGS:
        if re.search(pattern, text, re.IGNORECASE):
            return Fault(code, message % words, hint)
    shown = " ".join(text.split())[:500] or "it said nothing"
    return Fault("become_failed", "%s to %s did not work: %s" % (identity.method, identity.user, shown), None)


def _sudo_flags(flags):
    """The flags without -S and -n: stdin is for the frames, and whether to ask is decided by there being a password."""
    kept = []
    for word in shlex.split(flags):
        if re.match(r"^-[A-Za-z]+$", word) and word[1] not in "CDghpRrTtUu":
            word = "-" + "".join(letter for letter in word[1:] if letter not in "Sn")
        if word not in ("-", "--stdin", "--non-interactive"):
            kept.append(word)
    return kept
