"""A run recorded in PostgreSQL: the same words, the same resuming."""

from __future__ import annotations


def test_runs_are_recorded_and_resumed_in_postgresql(project, fresh_postgres_url):
    project.env["ORCH_STORE"] = fresh_postgres_url
    gate = project.folder / "gate"
    project.write(site=f"""
        - hosts: all
          gather_facts: false
          tasks:
            - {{name: once, shell: "echo x >> {project.folder}/counter; printf 'caf\\\\351'", register: out}}
            - {{name: gate, command: "test -e {gate}"}}
            - {{name: last, debug: {{msg: "{{{{ out.rc }}}}"}}}}
    """)
    project.inventory = "h1,h2,"
    first = project.run("-c", "local")
    assert first.rc == 2, first.out + first.err
    gate.touch()
    resumed = project.orch("run", "--resume", project.last_run())
    assert resumed.rc == 0, resumed.out + resumed.err
    assert (project.folder / "counter").read_text().count("x") == 2
    statuses = [(r["task_name"], r["status"], r["attempt"]) for r in project.results() if r["host"] == "h1"]
    assert statuses == [("once", "changed", 1), ("gate", "failed", 1), ("gate", "changed", 2), ("last", "ok", 1)]
    assert not (project.folder / "state" / "orch.db").exists()
