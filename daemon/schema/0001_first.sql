-- One row a watched repository: its pinned number, when to look again, and how looking went.
CREATE TABLE repositories (
    name TEXT PRIMARY KEY,
    id INTEGER NOT NULL,
    watched_since REAL NOT NULL,
    polled_at REAL,
    swept_at REAL,
    next_poll_at REAL NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    problem TEXT
) STRICT;

-- What GitHub said last to a conditional request. An ETag belongs to one token.
CREATE TABLE etags (
    url TEXT NOT NULL,
    token TEXT NOT NULL,
    etag TEXT NOT NULL,
    PRIMARY KEY (url, token)
) STRICT, WITHOUT ROWID;

-- The ledger: every workflow run (and attempt) seen, and what became of it.
CREATE TABLE workflow_runs (
    repository_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    repository TEXT NOT NULL,
    workflow TEXT NOT NULL,
    event TEXT NOT NULL,
    branch TEXT NOT NULL,
    commit_sha TEXT NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('going', 'candidate', 'accepted', 'queued', 'refused', 'empty', 'expired', 'parked')),
    reason TEXT NOT NULL DEFAULT '',
    next_at REAL NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (repository_id, id, attempt)
) STRICT;
CREATE INDEX workflow_runs_due ON workflow_runs (state, next_at);

-- What a workflow run uploaded, and how far its download is.
CREATE TABLE artifacts (
    id INTEGER NOT NULL,
    repository_id INTEGER NOT NULL,
    workflow_run_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    digest TEXT,
    state TEXT NOT NULL CHECK (state IN ('wanted', 'downloaded', 'expired', 'refused')),
    reason TEXT NOT NULL DEFAULT '',
    path TEXT,
    PRIMARY KEY (repository_id, workflow_run_id, attempt, id)
) STRICT;

-- The queue: one row a passage through the flow. `token` marks the child's processes.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL,
    repository TEXT,
    branch TEXT,
    commit_sha TEXT,
    folder TEXT NOT NULL,
    ordinal REAL NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('queued', 'running', 'done', 'not-better', 'refused', 'parked')),
    reason TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    interruptions INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,
    fine_tuning INTEGER NOT NULL DEFAULT 1,
    token TEXT,
    lease_until REAL,
    created_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    result TEXT
) STRICT;
CREATE INDEX runs_due ON runs (state, not_before);

-- The newest progress of a run.
CREATE TABLE progress (
    run_id INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    stage TEXT NOT NULL,
    message TEXT NOT NULL,
    done REAL NOT NULL,
    total REAL,
    stage_since REAL NOT NULL,
    at REAL NOT NULL
) STRICT;

-- Content of the drop folder that was taken, by digest.
CREATE TABLE drops (
    digest TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    run_key TEXT NOT NULL,
    taken_at REAL NOT NULL
) STRICT;

-- Small facts about the service itself: identity, conditions, quota, problems (JSON values).
CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;
