"""Migrations that follow those of `_schema`: of the Step Functions API, and of lists. They never change either."""

_EIGHTH = """
-- State machines made through the API. definition: the text as it was given. revision_id: NULL before the first update.
CREATE TABLE state_machines (
    arn TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at REAL NOT NULL,
    last_version INTEGER NOT NULL,
    definition TEXT NOT NULL,
    role_arn TEXT NOT NULL,
    settings TEXT NOT NULL,
    revision_id TEXT,
    updated_at REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE state_machine_versions (
    machine_arn TEXT NOT NULL,
    number INTEGER NOT NULL,
    description TEXT,
    definition TEXT NOT NULL,
    role_arn TEXT NOT NULL,
    settings TEXT NOT NULL,
    revision_id TEXT,
    created_at REAL NOT NULL,
    PRIMARY KEY (machine_arn, number)
) WITHOUT ROWID;

-- routes: a list of [number of the version, weight].
CREATE TABLE state_machine_aliases (
    machine_arn TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    routes TEXT NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (machine_arn, name)
) WITHOUT ROWID;

CREATE TABLE activities (
    arn TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    encryption TEXT NOT NULL,
    created_at REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE resource_tags (
    arn TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
) WITHOUT ROWID;
"""

_NINTH = """
-- Definitions as they were given. text_digest: SHA-256 of the text.
CREATE TABLE definition_texts (
    text_digest TEXT PRIMARY KEY,
    definition TEXT NOT NULL
) WITHOUT ROWID;

-- Executions that the Step Functions API started. machine_arn: without version and alias. context: the parts of the
-- Context Object that are theirs, a JSON object. details: further members of DescribeExecution, a JSON object.
CREATE TABLE api_executions (
    execution_id INTEGER PRIMARY KEY REFERENCES executions,
    arn TEXT NOT NULL UNIQUE,
    machine_arn TEXT NOT NULL,
    context TEXT NOT NULL,
    details TEXT NOT NULL,
    text_digest TEXT NOT NULL REFERENCES definition_texts,
    redrive_count INTEGER NOT NULL DEFAULT 0,
    redrive_time REAL
);
CREATE INDEX api_executions_of_machine ON api_executions (machine_arn, execution_id);

CREATE TABLE map_runs (
    arn TEXT PRIMARY KEY,
    execution_id INTEGER NOT NULL REFERENCES executions
) WITHOUT ROWID;
CREATE INDEX map_runs_of_execution ON map_runs (execution_id);
"""

_TENTH = """
-- What lists of executions select and sort by. Rows of the table are 20 times as large, with their inputs and outputs.
CREATE INDEX executions_listed
    ON executions (execution_id, status, run_id, digest, start_time, stop_time, error);
CREATE INDEX executions_unsuccessful ON executions (execution_id) WHERE status IN ('FAILED', 'TIMED_OUT', 'ABORTED');
"""

API_MIGRATIONS: tuple[str, ...] = (_EIGHTH, _NINTH, _TENTH)
