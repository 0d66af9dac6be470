"""Python packages by name and version, as PEP 440, 503 and 508 have them: names, specifiers, what satisfies. Pure."""

import re

from modules.api import Failed

NAME = re.compile(r"\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?P<extras>\[[^\]]*\])?\s*"
                  r"\(?(?P<specifiers>(?:(?:===|==|~=|!=|<=|>=|<|>)\s*[^\s,;()]+\s*,?\s*)*)\)?\s*(?:;.*)?\Z")
ONE = re.compile(r"(===|==|~=|!=|<=|>=|<|>)\s*([^\s,]+)")
VERSION = re.compile(r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
                     r"(?:[-_.]?(?P<pre>a|b|c|rc|alpha|beta|pre|preview)[-_.]?(?P<pre_n>\d*))?"
                     r"(?P<post>-(?P<post_a>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_b>\d*))?"
                     r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_n>\d*))?(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\Z",
                     re.IGNORECASE)
PHASES = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
LATE = 9
"""Behind every phase: a release that is final."""


class Requirement(object):
    """One package to be there: ``text`` as pip gets it, ``name`` (normal form; None for a URL or path), and
    ``specifiers`` [(operator, version)]."""

    __slots__ = ("text", "name", "specifiers")

    def __init__(self, text, name=None, specifiers=()):
        self.text = text
        self.name = name
        self.specifiers = list(specifiers)

    def accepts(self, version):
        return all(fits(version, operator, wanted) for operator, wanted in self.specifiers)


def normal(name):
    """PEP 503: lower case, one dash for any run of separators."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse(text):
    """A `Requirement` of a name with specifiers, or of a URL or path. `Failed` with ``bad_package``."""
    text = text.strip()
    if text.startswith("-") or not text:
        raise Failed("bad_package", "'{}' is not a package's name".format(text), "options go to extra_args")
    match = NAME.match(text)
    if match and not text.endswith((".whl", ".tar.gz", ".zip")):
        return Requirement(text, normal(match.group("name")), ONE.findall(match.group("specifiers")))
    if "://" in text or "/" in text or text == "." or " @ " in text or text.endswith((".whl", ".tar.gz", ".zip")):
        egg = re.search(r"[#&]egg=([A-Za-z0-9._-]+)", text) or re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])? @ ", text)
        return Requirement(text, normal(egg.group(1)) if egg else None)
    raise Failed("bad_package", "'{}' is not a package's name".format(text), "use name, name==1.2 or name>=1.2,<2")


def split(entries):
    """The requirements of a list, of which each entry may hold several with commas: a part that begins with an
    operator belongs to the one before."""
    found = []
    for entry in entries:
        if "://" in entry:
            found.append(entry.strip())
            continue
        for part in entry.split(","):
            inside = found and (found[-1].count("[") > found[-1].count("]"))
            if inside or (found and re.match(r"\s*(?:===|==|~=|!=|<=|>=|<|>)", part)):
                found[-1] += "," + part
            elif part.strip():
                found.append(part.strip())
    return found


def with_version(requirement, version):
    """The requirement with the task's ``version``, a number or specifiers. `Failed` when it has one already."""
    if requirement.specifiers or requirement.name is None:
        raise Failed("bad_arguments", "The 'version' argument conflicts with any version specifier provided along "
                     "with a package name. Please keep the version specifier, but remove the 'version' argument.")
    wanted = version if ONE.match(version.strip()) else "==" + version.strip()
    return parse(requirement.text + wanted)


def fits(version, operator, wanted):
    """Whether a version satisfies one specifier (PEP 440)."""
    if operator == "===":
        return version.lower() == wanted.lower()
    if operator in ("==", "!=") and wanted.endswith(".*"):
        return has_prefix(version, wanted[:-2]) == (operator == "==")
    have, limit = key(version, "+" in wanted), key(wanted, True)
    if have is None or limit is None:
        return (version == wanted) == (operator == "==")
    if operator == "~=":
        series = VERSION.match(wanted).group("release").rpartition(".")[0]
        return have >= limit and has_prefix(version, series, limit[0])
    if operator in "<>":
        return (have < limit if operator == "<" else have > limit) and not is_of_the_limit(have, limit, operator)
    return {"==": have == limit, "!=": have != limit, "<=": have <= limit, ">=": have >= limit}[operator]


def is_of_the_limit(have, limit, operator):
    """Whether a version only differs from a final limit by what comes early (1.0rc1 is not < 1.0) or late (1.0.post1 is
    not > 1.0)."""
    if have[:2] != limit[:2] or limit[2] < (LATE, 0) or limit[4] != float("inf"):
        return False
    if operator == ">":
        return limit[3] < 0
    return limit[3] < 0 or (have[3] == limit[3] and have[2] == limit[2])


def has_prefix(version, prefix, epoch=0):
    """Whether a version begins with these numbers; ones that it does not write are zeros."""
    wanted, have = VERSION.match(prefix.strip()), VERSION.match(version.strip())
    if not wanted or not have:
        return False
    numbers = tuple(int(part) for part in wanted.group("release").split("."))
    written = tuple(int(part) for part in have.group("release").split("."))
    return (int(have.group("epoch") or 0) == (epoch or int(wanted.group("epoch") or 0))
            and (written + (0,) * len(numbers))[:len(numbers)] == numbers)


def key(version, with_local=False):
    """What versions are compared by; None for what is no version."""
    match = VERSION.match(version.strip())
    if not match:
        return None
    numbers = [int(part) for part in match.group("release").split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    pre = (PHASES[match.group("pre").lower()], int(match.group("pre_n") or 0)) if match.group("pre") else (LATE, 0)
    post = int(match.group("post_a") or match.group("post_b") or 0) if match.group("post") else -1
    dev = int(match.group("dev_n") or 0) if match.group("dev") else float("inf")
    if match.group("dev") and not match.group("pre") and post < 0:
        pre = (-1, 0)  # 1.0.dev1 is before 1.0a1
    return int(match.group("epoch") or 0), tuple(numbers), pre, post, dev, local(match.group("local") or "", with_local)


def local(text, counts):
    """The part behind the plus; numbers are above words."""
    if not counts:
        return ()
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part.lower())
                 for part in re.split(r"[-_.]", text) if part)
