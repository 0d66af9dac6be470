"""The rules of pg_hba.conf as data (PostgreSQL's manual, "The pg_hba.conf File"). Pure.

A file is a list of lines: a `Rule`, or the text of a line that is none (comments, empty lines, includes).
"""

import re

from modules.api import Failed

CONTYPES = ("local", "host", "hostnossl", "hostssl", "hostgssenc", "hostnogssenc")
METHODS = ("cert", "gss", "ident", "krb5", "ldap", "md5", "pam", "password", "peer", "radius", "reject",
           "scram-sha-256", "sspi", "trust")
WORD = re.compile(r'(?:"[^"]*"|[^\s"#])+')
MASK = re.compile(r"[0-9.]+\Z|[0-9a-fA-F:]+\Z")


class Rule(object):
    """One rule. ``key`` is what tells rules apart: type, database, user, address."""

    __slots__ = ("contype", "database", "user", "address", "mask", "method", "options", "text")

    def __init__(self, contype, database, user, address, mask, method, options, text=None, comment=None):
        self.contype, self.database, self.user = contype, database, user
        self.address, self.mask = address, mask
        self.method, self.options = method, options
        if text is None:
            words = [contype, database, user] + [part for part in (address, mask) if part] + [method]
            text = "\t".join(words + ([options] if options else [])) + ("\t# " + comment if comment else "")
        self.text = text

    @property
    def key(self):
        return (self.contype, self.database, self.user) + network(self.address, self.mask)

    @property
    def answer(self):
        return self.method, " ".join((self.options or "").split())

    def values(self):
        found = {"type": self.contype, "db": self.database, "usr": self.user, "method": self.method}
        found.update((name, value) for name, value in (("src", self.address), ("mask", self.mask),
                                                       ("options", self.options)) if value)
        return found

    def breadth(self):
        """How much it covers: what covers less goes first."""
        return (breadth_of(self.address, self.mask), self.database == "all", self.user == "all")


def network(address, mask):
    """An address in one form, whether its mask is a length or an address."""
    import ipaddress  # 5 ms, for this file alone
    if address is None:
        return ("local",)
    try:
        return (str(ipaddress.ip_network("{}/{}".format(address, mask) if mask else address, strict=False)),)
    except ValueError:
        return (address.lower(), mask or "")


def breadth_of(address, mask):
    """The share of all addresses, in bits that are free; local sockets come first, words and names between."""
    import ipaddress
    if address is None:
        return -1
    words = {"samehost": 0, "samenet": 96, "all": 129}
    if address in words:
        return words[address]
    try:
        found = ipaddress.ip_network("{}/{}".format(address, mask) if mask else address, strict=False)
    except ValueError:
        return 64 if address.startswith(".") else 0
    return (found.max_prefixlen - found.prefixlen) * (1 if found.version == 6 else 4)


def parsed(text):
    """The lines of a file."""
    return [read(line) for line in text.splitlines()]


def read(line):
    """The rule of a line, or the line itself when it is none that we know."""
    words = WORD.findall(re.sub(r'("[^"]*")|#.*', lambda match: match.group(1) or "", line))
    if len(words) < 4 or words[0] not in CONTYPES:
        return line
    if words[0] == "local":
        return Rule(words[0], words[1], words[2], None, None, words[3], " ".join(words[4:]), line)
    if len(words) < 5:
        return line
    has_mask = len(words) > 5 and "/" not in words[3] and MASK.match(words[4]) is not None
    mask, rest = (words[4], words[5:]) if has_mask else (None, words[4:])
    return Rule(words[0], words[1], words[2], words[3], mask, rest[0], " ".join(rest[1:]), line)


def wanted_rules(entry):
    """A rule for every database and user of an entry."""
    for name in ("databases", "users", "address", "netmask", "options", "comment"):
        if entry[name] and re.search(r"[\n\r#]", entry[name]):
            raise Failed("bad_arguments", "{} may have no # and no line break".format(name))
    if entry["contype"] not in CONTYPES or entry["method"] not in METHODS:
        raise Failed("bad_arguments", "'{} … {}' is not a rule: contype is one of {}, method one of {}".format(
            entry["contype"], entry["method"], ", ".join(CONTYPES), ", ".join(METHODS)))
    local = entry["contype"] == "local"
    address = None if local else entry["address"]
    mask = None if local or not address or "/" in address else entry["netmask"]
    check_address(address, mask)
    if address and mask is None and MASK.match(address) and "/" not in address:
        address += "/128" if ":" in address else "/32"
    return [Rule(entry["contype"], database.strip(), user.strip(), address, mask, entry["method"], entry["options"],
                 comment=entry["comment"])
            for database in entry["databases"].split(",") for user in entry["users"].split(",")]


def check_address(address, mask):
    if address is not None and (not address or re.search(r"\s", address)):
        raise Failed("bad_arguments", "'{}' is not an address".format(address))
    if mask is not None and not MASK.match(mask):
        raise Failed("bad_arguments", "'{}' is not a netmask".format(mask))
    if address and ("/" in address or mask):
        import ipaddress
        try:
            ipaddress.ip_network("{}/{}".format(address, mask) if mask else address, strict=False)
        except ValueError as error:
            raise Failed("bad_arguments", "invalid source address: {}".format(error))


def merged(lines, changes, overwrite=False):
    """The lines with every (rule, wanted) in place."""
    lines = list(lines)
    if overwrite:
        kept = {rule.key for rule, wanted in changes if wanted}
        lines = [line for line in lines if not isinstance(line, Rule) or line.key in kept]
    for rule, wanted in changes:
        at = [index for index, line in enumerate(lines) if isinstance(line, Rule) and line.key == rule.key]
        if not wanted:
            lines = [line for index, line in enumerate(lines) if index not in at]
        elif not at:
            lines.insert(place(lines, rule), rule)
        elif lines[at[0]].answer != rule.answer:
            lines[at[0]] = rule
    return lines


def place(lines, rule):
    """Where a new rule goes: before the first that covers more, else behind the last one."""
    rules = [index for index, line in enumerate(lines) if isinstance(line, Rule)]
    broader = [index for index in rules if lines[index].breadth() > rule.breadth()]
    return broader[0] if broader else rules[-1] + 1 if rules else len(lines)
