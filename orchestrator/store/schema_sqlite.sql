CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
CREATE TABLE agents (
    id TEXT NOT NULL,
    host TEXT NOT NULL,
    state TEXT NOT NULL,
    machine_id TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    version TEXT NOT NULL,
    platform TEXT NOT NULL,
    clone_of TEXT,
    note TEXT NOT NULL,
    seal TEXT NOT NULL,
    generation INTEGER NOT NULL,
    next_generation INTEGER,
    protocol INTEGER NOT NULL,
    interval_s INTEGER NOT NULL,
    ring INTEGER,
    config INTEGER NOT NULL,
    python JSON NOT NULL,
    labels JSON NOT NULL,
    facts JSON NOT NULL,
    renew BOOLEAN NOT NULL,
    enrolled DATETIME NOT NULL,
    last_seen DATETIME,
    recovery_asked DATETIME,
    recovery_approved DATETIME,
    CONSTRAINT pk_agents PRIMARY KEY (id)
);
CREATE UNIQUE INDEX ix_agents_host_active ON agents (host) WHERE state = 'active';
CREATE INDEX ix_agents_machine_id ON agents (machine_id);
CREATE TABLE audit (
    id INTEGER NOT NULL,
    at DATETIME NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    outcome TEXT NOT NULL,
    address TEXT NOT NULL,
    detail JSON NOT NULL,
    CONSTRAINT pk_audit PRIMARY KEY (id)
);
CREATE INDEX ix_audit_at ON audit (at);
CREATE TABLE invitations (
    id TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    host TEXT NOT NULL,
    created_by TEXT NOT NULL,
    used_by TEXT,
    address TEXT,
    labels JSON NOT NULL,
    created DATETIME NOT NULL,
    expires DATETIME NOT NULL,
    used DATETIME,
    CONSTRAINT pk_invitations PRIMARY KEY (id)
);
CREATE UNIQUE INDEX ix_invitations_token_hash ON invitations (token_hash);
CREATE TABLE mailbox_blobs (
    name TEXT NOT NULL,
    part INTEGER NOT NULL,
    created DATETIME NOT NULL,
    data BLOB NOT NULL,
    CONSTRAINT pk_mailbox_blobs PRIMARY KEY (name, part)
);
CREATE TABLE runs (
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    playbooks JSON NOT NULL,
    inventory JSON NOT NULL,
    "limit" TEXT,
    check_mode BOOLEAN NOT NULL,
    options JSON NOT NULL,
    content_digest TEXT NOT NULL,
    cwd TEXT NOT NULL,
    user TEXT NOT NULL,
    hosts JSON NOT NULL,
    started DATETIME NOT NULL,
    ended DATETIME,
    recap JSON NOT NULL,
    resumes INTEGER NOT NULL,
    cancel_requested BOOLEAN NOT NULL,
    lease_token TEXT,
    lease_host TEXT,
    lease_pid INTEGER,
    lease_born TEXT,
    heartbeat DATETIME,
    CONSTRAINT pk_runs PRIMARY KEY (id)
);
CREATE INDEX ix_runs_started ON runs (started);
CREATE TABLE agent_certificates (
    serial TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    seal TEXT NOT NULL,
    generation INTEGER NOT NULL,
    not_before DATETIME NOT NULL,
    not_after DATETIME NOT NULL,
    issued DATETIME NOT NULL,
    first_used DATETIME,
    revoked DATETIME,
    CONSTRAINT pk_agent_certificates PRIMARY KEY (serial),
    CONSTRAINT fk_agent_certificates_agent_id_agents FOREIGN KEY(agent_id) REFERENCES agents (id) ON DELETE CASCADE
);
CREATE INDEX ix_agent_certificates_agent_id ON agent_certificates (agent_id);
CREATE UNIQUE INDEX ix_agent_certificates_digest ON agent_certificates (digest);
CREATE TABLE agent_logs (
    id INTEGER NOT NULL,
    agent_id TEXT NOT NULL,
    at DATETIME NOT NULL,
    text TEXT NOT NULL,
    CONSTRAINT pk_agent_logs PRIMARY KEY (id),
    CONSTRAINT fk_agent_logs_agent_id_agents FOREIGN KEY(agent_id) REFERENCES agents (id) ON DELETE CASCADE
);
CREATE INDEX ix_agent_logs_agent_id_id ON agent_logs (agent_id, id);
CREATE TABLE events (
    id INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    at DATETIME NOT NULL,
    kind TEXT NOT NULL,
    "values" JSON NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (id),
    CONSTRAINT fk_events_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE INDEX ix_events_run_id_id ON events (run_id, id);
CREATE TABLE mailbox_jobs (
    id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    host TEXT NOT NULL,
    run_id TEXT NOT NULL,
    state TEXT NOT NULL,
    claim_key TEXT NOT NULL,
    status TEXT,
    digest TEXT,
    seal TEXT NOT NULL,
    body BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    next_seq INTEGER NOT NULL,
    event_count INTEGER,
    evicted INTEGER NOT NULL,
    reoffers INTEGER NOT NULL,
    cancel BOOLEAN NOT NULL,
    acked BOOLEAN NOT NULL,
    retry_safe BOOLEAN NOT NULL,
    digest_ok BOOLEAN NOT NULL,
    created DATETIME NOT NULL,
    expires DATETIME NOT NULL,
    claimed DATETIME,
    started DATETIME,
    lease_until DATETIME,
    lost DATETIME,
    offer_after DATETIME,
    ended DATETIME,
    CONSTRAINT pk_mailbox_jobs PRIMARY KEY (id),
    CONSTRAINT fk_mailbox_jobs_agent_id_agents FOREIGN KEY(agent_id) REFERENCES agents (id) ON DELETE CASCADE
);
CREATE INDEX ix_mailbox_jobs_agent_id_state ON mailbox_jobs (agent_id, state);
CREATE INDEX ix_mailbox_jobs_state_lease_until ON mailbox_jobs (state, lease_until);
CREATE TABLE run_hosts (
    run_id TEXT NOT NULL,
    host TEXT NOT NULL,
    ok INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    unreachable INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    rescued INTEGER NOT NULL,
    ignored INTEGER NOT NULL,
    interrupted INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    CONSTRAINT pk_run_hosts PRIMARY KEY (run_id, host),
    CONSTRAINT fk_run_hosts_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE TABLE task_results (
    run_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    play_id TEXT NOT NULL,
    play_name TEXT NOT NULL,
    task_id TEXT NOT NULL,
    task_name TEXT NOT NULL,
    task_origin TEXT NOT NULL,
    module TEXT NOT NULL,
    host TEXT NOT NULL,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    item_index INTEGER,
    item_label TEXT,
    carrier TEXT NOT NULL,
    carrier_reason TEXT NOT NULL,
    delegated_to TEXT,
    rescued BOOLEAN NOT NULL,
    ignored BOOLEAN NOT NULL,
    check_mode BOOLEAN NOT NULL,
    no_log BOOLEAN NOT NULL,
    handler BOOLEAN NOT NULL,
    role TEXT,
    started DATETIME,
    ended DATETIME,
    duration_s FLOAT NOT NULL,
    message TEXT NOT NULL,
    error_code TEXT,
    hint TEXT,
    "values" JSON NOT NULL,
    diff JSON NOT NULL,
    warnings JSON NOT NULL,
    notified JSON NOT NULL,
    path TEXT NOT NULL,
    replayed BOOLEAN NOT NULL,
    trail JSON NOT NULL,
    CONSTRAINT pk_task_results PRIMARY KEY (run_id, seq),
    CONSTRAINT fk_task_results_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE INDEX ix_task_results_host_run_id ON task_results (host, run_id);
CREATE TABLE mailbox_events (
    job_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    count INTEGER NOT NULL,
    heads BLOB NOT NULL,
    CONSTRAINT pk_mailbox_events PRIMARY KEY (job_id, attempt, seq),
    CONSTRAINT fk_mailbox_events_job_id_mailbox_jobs FOREIGN KEY(job_id) REFERENCES mailbox_jobs (id) ON DELETE CASCADE
);
CREATE TABLE mailbox_job_blobs (
    job_id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    size BIGINT NOT NULL,
    parts INTEGER NOT NULL,
    complete BOOLEAN NOT NULL,
    meta BLOB NOT NULL,
    CONSTRAINT pk_mailbox_job_blobs PRIMARY KEY (job_id, name),
    CONSTRAINT fk_mailbox_job_blobs_job_id_mailbox_jobs FOREIGN KEY(job_id) REFERENCES mailbox_jobs (id) ON DELETE CASCADE
);
CREATE INDEX ix_mailbox_job_blobs_name ON mailbox_job_blobs (name);
INSERT INTO alembic_version (version_num) VALUES ('0002');
