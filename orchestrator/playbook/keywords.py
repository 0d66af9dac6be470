"""Every keyword of the language: what kind of value it takes, and where it may stand. A table, and nothing else.

Source: docs.ansible.com, "Playbook Keywords", checked against ansible-core 2.19.
"""

from __future__ import annotations

from functools import cache

from msgspec import Struct


class Keyword(Struct, frozen=True):
    name: str
    kind: str
    """How a value is read: one of the kinds in `values`."""
    scopes: frozenset[str]
    """play, block, task, handler, role (an entry of roles:), include (a dynamic one), playbook (import_playbook)."""
    folded: str = ""
    """How children get it: ``nearest`` wins, ``become`` (a part of it), ``special``, or not at all."""


def _rows(text: str, folded: str = "") -> list[Keyword]:
    rows = []
    for line in text.strip().splitlines():
        name, kind, *scopes = line.split()
        rows.append(Keyword(name, kind, frozenset(scopes), folded))
    return rows


_ANYWHERE = "play block task role playbook"

TABLE: tuple[Keyword, ...] = (
    *_rows(f"""
        any_errors_fatal    bool    {_ANYWHERE}
        check_mode          bool    {_ANYWHERE}
        connection          text    {_ANYWHERE}
        debugger            any     {_ANYWHERE} include
        delegate_facts      bool    block task role
        delegate_to         text    block task role
        diff                bool    {_ANYWHERE}
        ignore_errors       bool    {_ANYWHERE} include
        ignore_unreachable  bool    {_ANYWHERE}
        no_log              bool    {_ANYWHERE} include
        port                int     {_ANYWHERE}
        remote_user         text    {_ANYWHERE}
        retry_safe          bool    play block task role
        run_once            bool    {_ANYWHERE} include
        throttle            int     {_ANYWHERE}
        timeout             int     {_ANYWHERE} include
    """, "nearest"),
    *_rows(f"""
        become              bool    {_ANYWHERE}
        become_exe          text    {_ANYWHERE}
        become_flags        text    {_ANYWHERE}
        become_method       text    {_ANYWHERE}
        become_user         text    {_ANYWHERE}
    """, "become"),
    *_rows(f"""
        collections         strings     {_ANYWHERE} include
        environment         environment {_ANYWHERE}
        module_defaults     layers      {_ANYWHERE}
        notify              strings     block task
        tags                tags        {_ANYWHERE} include
        vars                map         {_ANYWHERE} include
        when                conditions  block task role playbook include
    """, "special"),
    *_rows(f"""
        name                text        {_ANYWHERE} include
        action              any         task include
        args                any         task include
        async               number      task
        changed_when        conditions  task
        delay               number      task
        failed_when         conditions  task
        listen              strings     handler
        local_action        any         task
        loop                any         task include
        loop_control        any         task include
        poll                number      task
        register            text        task include
        retries             number      task
        until               conditions  task
        block               tasks       block
        rescue              tasks       block
        always              tasks       block
        role                text        role
        import_playbook     text        playbook
        fact_path           text        play
        force_handlers      bool        play
        gather_facts        bool        play
        gather_subset       strings     play
        gather_timeout      int         play
        handlers            tasks       play
        hosts               any         play
        max_fail_percentage number      play
        order               text        play
        post_tasks          tasks       play
        pre_tasks           tasks       play
        roles               list        play
        serial              list        play
        strategy            text        play
        tasks               tasks       play
        vars_files          list        play
        vars_prompt         list        play
    """),
)

BY_NAME = {keyword.name: keyword for keyword in TABLE}
NEAREST = tuple(keyword.name for keyword in TABLE if keyword.folded == "nearest")
BECOME = tuple(keyword.name for keyword in TABLE if keyword.folded == "become")

ORDERS = ("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle")
STRATEGIES = ("linear", "free", "host_pinned", "debug")
META_WORDS = (
    "noop", "flush_handlers", "clear_facts", "clear_host_errors", "end_host", "end_play", "end_batch", "end_role",
    "refresh_inventory", "reset_connection",
)
LOOP_CONTROL = {
    "loop_var": "text", "index_var": "text", "label": "any", "pause": "number", "extended": "bool",
    "extended_allitems": "bool", "break_when": "conditions",
}
PROMPT = {
    "name": "text", "prompt": "text", "default": "any", "private": "bool", "confirm": "bool", "encrypt": "text",
    "salt_size": "int", "salt": "text", "unsafe": "bool",
}


@cache
def allowed(scope: str) -> frozenset[str]:
    """The names of the keywords that may stand in this scope. A handler may have what a task may."""
    also = {"task"} if scope == "handler" else set()
    return frozenset(keyword.name for keyword in TABLE if keyword.scopes & ({scope} | also))


FORMER = {
    "sudo": "become", "sudo_user": "become_user", "su": "become", "su_user": "become_user",
    "always_run": "check_mode: false", "first_available_file": "with_first_found", "include": "include_tasks",
    "static": "import_tasks or include_tasks", "private": "vars or include_role with public",
    "accelerate": "pipelining, which is always on",
}
"""Keywords of former days, and what took their place."""
