#!/usr/bin/python3
"""A module of the operator's own, without Ansible's library: it gets its arguments in a file."""
# WANT_JSON

import json
import sys

with open(sys.argv[1]) as file:
    given = json.load(file)
print(json.dumps({"changed": True, "msg": "hello " + given["name"], "list": given["list"],
                  "keys": sorted(key for key in given if not key.startswith("_"))}))
