"""Lookups: where a list, a file or a program gives values to a template. What they give is data, never a template.

A lookup is ``run(terms, call, **options) -> list``. ``call`` is a `LookupCall`: the engine, the scope, and where files
are looked for. Its name may be used as ``lookup('name', …)``, ``query('name', …)`` and ``with_name``.
"""

from __future__ import annotations

from orchestrator.template.plugins import table

LOOKUPS = table(
    "orchestrator.template.lookups",
    lists="""items:items list:as_list flattened:flattened together nested cartesian:nested indexed_items
        indexed:indexed_items random_choice subelements dict:dict_items""",
    variables="vars:variables varnames env:environment inventory_hostnames",
    files="""file:read_file fileglob filetree first_found unvault lines pipe
        template:template_file""",
    config="config",
    sequence="sequence",
    tables="ini:ini_value csvfile",
    password="password",
    network="url:url_content",
)
