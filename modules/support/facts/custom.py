"""``local``: facts that the host's owner put into files ``*.fact`` (JSON, INI, or programs that print either)."""

import glob
import json
import os

from modules.api import Failed
from modules.support.facts import reading

TIMEOUT_S = 10


def collect(host, folder):
    """One entry per file, by its name; what cannot be used says why in place of its value, and as a warning."""
    if not folder or not os.path.isdir(folder):
        return {"local": {}}
    found = {}
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.fact"))):
        name = os.path.basename(path)[:-len(".fact")]
        value, fault = read(host, path)
        if fault:
            host.warn(fault)
        found[name] = value
    return {"local": found}


def read(host, path):
    """(value, what was wrong or None) of one file."""
    try:
        os.stat(path)
    except OSError as error:
        why = "Could not stat fact ({}): {}".format(path, error)
        return why, why
    if os.access(path, os.X_OK):
        try:
            done = host.query([path], timeout_s=TIMEOUT_S)
        except Failed as fault:
            return fault.message, "fact script {} cannot run: {}".format(path, fault.message)
        if done.rc != 0 or done.timed_out:
            why = "Failure executing fact script ({}), rc: {}, err: {}".format(path, done.rc, done.stderr.strip())
            return why, why
        return parse(done.stdout, path)
    try:
        with open(path, "rb") as file:
            return parse(file.read(reading.LIMIT_BYTES).decode("utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        why = "error loading facts from {}: {}".format(path, error)
        return why, why


def parse(content, path):
    """JSON, else INI: sections of names in lower case and text values."""
    try:
        return json.loads(content), None
    except ValueError:
        pass
    import configparser  # costs 2 ms, and few hosts have such a file
    parser = configparser.ConfigParser()
    try:
        parser.read_string(content)
        return {section: dict(parser.items(section)) for section in parser.sections()}, None
    except configparser.Error:
        why = "error loading facts as ini - please check content: {}".format(path)
        return why, why
