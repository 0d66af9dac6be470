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
CREATE TABLE alerts (
    id INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    message TEXT NOT NULL,
    opened DATETIME NOT NULL,
    closed DATETIME,
    CONSTRAINT pk_alerts PRIMARY KEY (id)
);
CREATE UNIQUE INDEX ix_alerts_key_open ON alerts ("key") WHERE closed IS NULL;
CREATE INDEX ix_alerts_opened ON alerts (opened);
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
CREATE INDEX ix_audit_subject_id ON audit (subject, id);
CREATE TABLE channels (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    created_by TEXT NOT NULL,
    occasions JSON NOT NULL,
    public JSON NOT NULL,
    sealed BLOB NOT NULL,
    enabled BOOLEAN NOT NULL,
    version INTEGER NOT NULL,
    created DATETIME NOT NULL,
    CONSTRAINT pk_channels PRIMARY KEY (id)
);
CREATE UNIQUE INDEX ix_channels_name ON channels (name);
CREATE TABLE credentials (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    created_by TEXT NOT NULL,
    public JSON NOT NULL,
    sealed BLOB NOT NULL,
    version INTEGER NOT NULL,
    created DATETIME NOT NULL,
    changed DATETIME NOT NULL,
    last_used DATETIME,
    CONSTRAINT pk_credentials PRIMARY KEY (id)
);
CREATE UNIQUE INDEX ix_credentials_name ON credentials (name);
CREATE TABLE drift (
    host TEXT NOT NULL,
    at DATETIME NOT NULL,
    schedule_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    changes INTEGER NOT NULL,
    tasks JSON NOT NULL,
    CONSTRAINT pk_drift PRIMARY KEY (host, at, schedule_id)
);
CREATE INDEX ix_drift_run_id ON drift (run_id);
CREATE INDEX ix_drift_schedule_id_host_at ON drift (schedule_id, host, at);
CREATE TABLE host_states (
    host TEXT NOT NULL,
    last_run_id TEXT,
    last_status TEXT,
    last_message TEXT NOT NULL,
    last_carrier TEXT NOT NULL,
    drift_run_id TEXT,
    drift_changes INTEGER,
    facts JSON NOT NULL,
    last_run DATETIME,
    last_ok DATETIME,
    drift_seen DATETIME,
    facts_seen DATETIME,
    CONSTRAINT pk_host_states PRIMARY KEY (host)
);
CREATE TABLE host_stats (
    host TEXT NOT NULL,
    at DATETIME NOT NULL,
    stats JSON NOT NULL,
    CONSTRAINT pk_host_stats PRIMARY KEY (host, at)
);
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
CREATE TABLE login_failures (
    "key" TEXT NOT NULL,
    count INTEGER NOT NULL,
    first DATETIME NOT NULL,
    last DATETIME NOT NULL,
    refused_until DATETIME,
    CONSTRAINT pk_login_failures PRIMARY KEY ("key")
);
CREATE TABLE mailbox_blobs (
    name TEXT NOT NULL,
    part INTEGER NOT NULL,
    created DATETIME NOT NULL,
    data BLOB NOT NULL,
    CONSTRAINT pk_mailbox_blobs PRIMARY KEY (name, part)
);
CREATE TABLE nonces (
    digest TEXT NOT NULL,
    expires DATETIME NOT NULL,
    CONSTRAINT pk_nonces PRIMARY KEY (digest)
);
CREATE INDEX ix_nonces_expires ON nonces (expires);
CREATE TABLE rollouts (
    id INTEGER NOT NULL,
    ring INTEGER NOT NULL,
    version TEXT,
    paused BOOLEAN NOT NULL,
    "by" TEXT NOT NULL,
    at DATETIME NOT NULL,
    CONSTRAINT pk_rollouts PRIMARY KEY (id)
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
    kind TEXT NOT NULL,
    queued DATETIME,
    parent_id TEXT,
    slice INTEGER,
    slices INTEGER NOT NULL,
    project_id TEXT,
    inventory_id TEXT,
    schedule_id TEXT,
    plan_id TEXT,
    priority INTEGER NOT NULL,
    message TEXT NOT NULL,
    worker_id TEXT,
    CONSTRAINT pk_runs PRIMARY KEY (id)
);
CREATE INDEX ix_runs_parent_id ON runs (parent_id);
CREATE INDEX ix_runs_schedule_id_started ON runs (schedule_id, started);
CREATE INDEX ix_runs_started ON runs (started);
CREATE INDEX ix_runs_status ON runs (status);
CREATE TABLE schedules (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    state TEXT NOT NULL,
    timing TEXT NOT NULL,
    timezone TEXT NOT NULL,
    misfire TEXT NOT NULL,
    overlap TEXT NOT NULL,
    kind TEXT NOT NULL,
    created_by TEXT NOT NULL,
    request JSON NOT NULL,
    sealed BLOB NOT NULL,
    blackouts JSON NOT NULL,
    jitter_s INTEGER NOT NULL,
    grace_s INTEGER NOT NULL,
    catch_up_age_s INTEGER NOT NULL,
    max_running INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created DATETIME NOT NULL,
    next_due DATETIME,
    last_due DATETIME,
    last_success DATETIME,
    CONSTRAINT pk_schedules PRIMARY KEY (id)
);
CREATE UNIQUE INDEX ix_schedules_name ON schedules (name);
CREATE INDEX ix_schedules_state_next_due ON schedules (state, next_due);
CREATE TABLE servers (
    id TEXT NOT NULL,
    machine TEXT NOT NULL,
    pid INTEGER NOT NULL,
    born TEXT NOT NULL,
    url TEXT NOT NULL,
    behind_proxy BOOLEAN NOT NULL,
    started DATETIME NOT NULL,
    heartbeat DATETIME NOT NULL,
    CONSTRAINT pk_servers PRIMARY KEY (id)
);
CREATE TABLE settings (
    "key" TEXT NOT NULL,
    value JSON NOT NULL,
    version INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    changed DATETIME NOT NULL,
    CONSTRAINT pk_settings PRIMARY KEY ("key")
);
CREATE TABLE users (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    email TEXT NOT NULL,
    password_hash TEXT,
    role TEXT NOT NULL,
    state TEXT NOT NULL,
    source TEXT NOT NULL,
    subject TEXT,
    version INTEGER NOT NULL,
    must_change_password BOOLEAN NOT NULL,
    created DATETIME NOT NULL,
    last_login DATETIME,
    locked DATETIME,
    CONSTRAINT pk_users PRIMARY KEY (id)
);
CREATE UNIQUE INDEX ix_users_name ON users (name);
CREATE INDEX ix_users_source_subject ON users (source, subject);
CREATE TABLE workers (
    id TEXT NOT NULL,
    machine TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    release TEXT NOT NULL,
    pid INTEGER NOT NULL,
    capacity INTEGER NOT NULL,
    running JSON NOT NULL,
    started DATETIME NOT NULL,
    heartbeat DATETIME NOT NULL,
    CONSTRAINT pk_workers PRIMARY KEY (id)
);
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
    authority TEXT,
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
CREATE TABLE agent_stats (
    agent_id TEXT NOT NULL,
    at DATETIME NOT NULL,
    stats JSON NOT NULL,
    CONSTRAINT pk_agent_stats PRIMARY KEY (agent_id),
    CONSTRAINT fk_agent_stats_agent_id_agents FOREIGN KEY(agent_id) REFERENCES agents (id) ON DELETE CASCADE
);
CREATE TABLE api_tokens (
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    scopes JSON NOT NULL,
    created DATETIME NOT NULL,
    expires DATETIME NOT NULL,
    last_used DATETIME,
    revoked DATETIME,
    CONSTRAINT pk_api_tokens PRIMARY KEY (id),
    CONSTRAINT fk_api_tokens_user_id_users FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX ix_api_tokens_token_hash ON api_tokens (token_hash);
CREATE INDEX ix_api_tokens_user_id ON api_tokens (user_id);
CREATE TABLE deliveries (
    id INTEGER NOT NULL,
    channel_id TEXT NOT NULL,
    occasion TEXT NOT NULL,
    subject TEXT NOT NULL,
    run_id TEXT,
    state TEXT NOT NULL,
    error TEXT NOT NULL,
    payload JSON NOT NULL,
    attempts INTEGER NOT NULL,
    created DATETIME NOT NULL,
    next_try DATETIME,
    sent DATETIME,
    CONSTRAINT pk_deliveries PRIMARY KEY (id),
    CONSTRAINT fk_deliveries_channel_id_channels FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE
);
CREATE INDEX ix_deliveries_channel_id_created ON deliveries (channel_id, created);
CREATE INDEX ix_deliveries_channel_id_id ON deliveries (channel_id, id);
CREATE INDEX ix_deliveries_state_next_try ON deliveries (state, next_try);
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
CREATE TABLE grants (
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    scope_id TEXT NOT NULL,
    pattern TEXT NOT NULL,
    role TEXT NOT NULL,
    created DATETIME NOT NULL,
    CONSTRAINT pk_grants PRIMARY KEY (id),
    CONSTRAINT fk_grants_user_id_users FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX ix_grants_user_id ON grants (user_id);
CREATE TABLE host_locks (
    host TEXT NOT NULL,
    run_id TEXT NOT NULL,
    taken DATETIME NOT NULL,
    CONSTRAINT pk_host_locks PRIMARY KEY (host),
    CONSTRAINT fk_host_locks_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE INDEX ix_host_locks_run_id ON host_locks (run_id);
CREATE TABLE launches (
    run_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    idempotency_key TEXT,
    body_digest TEXT NOT NULL,
    request JSON NOT NULL,
    sealed BLOB NOT NULL,
    created DATETIME NOT NULL,
    settled DATETIME,
    CONSTRAINT pk_launches PRIMARY KEY (run_id),
    CONSTRAINT fk_launches_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE INDEX ix_launches_settled ON launches (settled);
CREATE UNIQUE INDEX ix_launches_user_id_idempotency_key ON launches (user_id, idempotency_key);
CREATE TABLE login_links (
    token_hash TEXT NOT NULL,
    kind TEXT NOT NULL,
    user_id TEXT,
    sealed BLOB NOT NULL,
    created DATETIME NOT NULL,
    expires DATETIME NOT NULL,
    used DATETIME,
    CONSTRAINT pk_login_links PRIMARY KEY (token_hash),
    CONSTRAINT fk_login_links_user_id_users FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
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
CREATE TABLE plans (
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    content_digest TEXT NOT NULL,
    created_by TEXT NOT NULL,
    decided_by TEXT,
    reason TEXT NOT NULL,
    applied_run_id TEXT,
    hosts JSON NOT NULL,
    document BLOB NOT NULL,
    changes INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created DATETIME NOT NULL,
    expires DATETIME NOT NULL,
    decided DATETIME,
    applied DATETIME,
    CONSTRAINT pk_plans PRIMARY KEY (id),
    CONSTRAINT fk_plans_id_runs FOREIGN KEY(id) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE INDEX ix_plans_created ON plans (created);
CREATE TABLE projects (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    url TEXT NOT NULL,
    ref TEXT NOT NULL,
    "commit" TEXT NOT NULL,
    sync_error TEXT NOT NULL,
    credential_id TEXT,
    version INTEGER NOT NULL,
    created DATETIME NOT NULL,
    synced DATETIME,
    runs_here BOOLEAN,
    CONSTRAINT pk_projects PRIMARY KEY (id),
    CONSTRAINT fk_projects_credential_id_credentials FOREIGN KEY(credential_id) REFERENCES credentials (id)
);
CREATE UNIQUE INDEX ix_projects_name ON projects (name);
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
CREATE TABLE schedule_fires (
    schedule_id TEXT NOT NULL,
    due DATETIME NOT NULL,
    outcome TEXT NOT NULL,
    run_id TEXT,
    reason TEXT NOT NULL,
    at DATETIME NOT NULL,
    CONSTRAINT pk_schedule_fires PRIMARY KEY (schedule_id, due),
    CONSTRAINT fk_schedule_fires_schedule_id_schedules FOREIGN KEY(schedule_id) REFERENCES schedules (id) ON DELETE CASCADE
);
CREATE INDEX ix_schedule_fires_outcome_schedule_id ON schedule_fires (outcome, schedule_id);
CREATE INDEX ix_schedule_fires_run_id ON schedule_fires (run_id);
CREATE TABLE sessions (
    id_hash TEXT NOT NULL,
    user_id TEXT NOT NULL,
    csrf_hash TEXT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    created DATETIME NOT NULL,
    seen DATETIME NOT NULL,
    expires DATETIME NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (id_hash),
    CONSTRAINT fk_sessions_user_id_users FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX ix_sessions_expires ON sessions (expires);
CREATE INDEX ix_sessions_user_id ON sessions (user_id);
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
CREATE TABLE inventories (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    project_id TEXT,
    sources JSON NOT NULL,
    vars JSON NOT NULL,
    version INTEGER NOT NULL,
    created DATETIME NOT NULL,
    sealed BLOB,
    CONSTRAINT pk_inventories PRIMARY KEY (id),
    CONSTRAINT fk_inventories_project_id_projects FOREIGN KEY(project_id) REFERENCES projects (id)
);
CREATE UNIQUE INDEX ix_inventories_name ON inventories (name);
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
CREATE TABLE inventory_groups (
    inventory_id TEXT NOT NULL,
    name TEXT NOT NULL,
    vars JSON NOT NULL,
    hosts JSON NOT NULL,
    children JSON NOT NULL,
    version INTEGER NOT NULL,
    created DATETIME NOT NULL,
    sealed BLOB,
    CONSTRAINT pk_inventory_groups PRIMARY KEY (inventory_id, name),
    CONSTRAINT fk_inventory_groups_inventory_id_inventories FOREIGN KEY(inventory_id) REFERENCES inventories (id) ON DELETE CASCADE
);
CREATE TABLE inventory_hosts (
    inventory_id TEXT NOT NULL,
    name TEXT NOT NULL,
    vars JSON NOT NULL,
    enabled BOOLEAN NOT NULL,
    version INTEGER NOT NULL,
    created DATETIME NOT NULL,
    sealed BLOB,
    CONSTRAINT pk_inventory_hosts PRIMARY KEY (inventory_id, name),
    CONSTRAINT fk_inventory_hosts_inventory_id_inventories FOREIGN KEY(inventory_id) REFERENCES inventories (id) ON DELETE CASCADE
);
CREATE TRIGGER audit_kept BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_young BEFORE DELETE ON audit WHEN OLD."at" > (SELECT strftime('%Y-%m-%d %H:%M:%f', "at", '-30 days') FROM audit ORDER BY id DESC LIMIT 1) BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
INSERT INTO alembic_version (version_num) VALUES ('0005');
