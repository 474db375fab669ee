"""The tables of `pupline.sqlite`, as numbered migrations.

A released migration is never edited: the next one changes its tables. `user_version` counts the applied migrations;
SQLite keeps it in the file's first page, so it changes in the same transaction as the tables. `application_id` says
that the file is ours.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from pupline.errors import ConfigurationError
from pupline.local.database._api_schema import API_MIGRATIONS

APPLICATION_ID = 0x7075706C  # "pupl"

_FIRST = """
CREATE TABLE definitions (
    digest TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    definition TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    created_at REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE executions (
    execution_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    run_id TEXT REFERENCES runs,
    run_index INTEGER,
    digest TEXT NOT NULL REFERENCES definitions,
    input TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'RUNNING',
    output TEXT,
    error TEXT,
    cause TEXT,
    start_time REAL NOT NULL,
    stop_time REAL,
    stop_request TEXT
);
CREATE INDEX executions_running ON executions (execution_id) WHERE status = 'RUNNING';
CREATE UNIQUE INDEX executions_of_run ON executions (run_id, run_index) WHERE run_id IS NOT NULL;

-- The facts that the engine received, in order. resource: of an answered task, so that a replay can detect a definition
-- or an engine that now calls something else.
CREATE TABLE facts (
    execution_id INTEGER NOT NULL REFERENCES executions,
    seq INTEGER NOT NULL,
    now REAL NOT NULL,
    resource TEXT,
    fact TEXT NOT NULL,
    PRIMARY KEY (execution_id, seq)
) WITHOUT ROWID;

CREATE TABLE memo (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE objects (
    object_id INTEGER PRIMARY KEY,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    path TEXT NOT NULL,
    folded_path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    owner TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('writing', 'stored')),
    created_at REAL NOT NULL,
    UNIQUE (bucket, key),
    UNIQUE (bucket, folded_path)
);
CREATE INDEX objects_writing ON objects (object_id) WHERE state = 'writing';

CREATE TABLE audit (
    image_name TEXT NOT NULL,
    execution TEXT NOT NULL,
    image_url TEXT,
    upload_timestamp TEXT NOT NULL,
    file_type TEXT,
    alert_triggered INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    alert_sent INTEGER,
    alert_reasons TEXT NOT NULL,
    source TEXT,
    source_url TEXT,
    sha256 TEXT,
    size_bytes INTEGER,
    width INTEGER,
    height INTEGER,
    content_type TEXT,
    name_extension TEXT,
    breed TEXT,
    error TEXT,
    cause TEXT,
    audit_id INTEGER PRIMARY KEY,
    UNIQUE (image_name, execution)
);
CREATE INDEX audit_by_time ON audit (upload_timestamp, audit_id);
CREATE INDEX audit_by_execution ON audit (execution);

CREATE TABLE alerts (
    alert_id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    execution TEXT NOT NULL,
    command_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    subject TEXT,
    message TEXT NOT NULL,
    attributes TEXT NOT NULL,
    published_at REAL NOT NULL,
    UNIQUE (execution, command_id)
);

CREATE TABLE subscriptions (
    subscription_id INTEGER PRIMARY KEY,
    protocol TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    created_at REAL NOT NULL,
    removed_at REAL
);
CREATE UNIQUE INDEX subscriptions_once ON subscriptions (protocol, endpoint) WHERE removed_at IS NULL;

CREATE TABLE deliveries (
    alert_id INTEGER NOT NULL REFERENCES alerts,
    subscription_id INTEGER NOT NULL REFERENCES subscriptions,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at REAL NOT NULL,
    delivered_at REAL,
    given_up_at REAL,
    last_error TEXT,
    PRIMARY KEY (alert_id, subscription_id)
) WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE delivered_at IS NULL AND given_up_at IS NULL;
"""

_SECOND = """
-- One ingest takes a source's images into a dataset. settings: those that make it the same command. position: where its
-- listing continues. listed: the listing is complete. total: of items in the listing, if announced. items, repeated,
-- known: added, listed twice, left out because the dataset has them. known_in_a_row: the latest sequence of known ones.
CREATE TABLE ingests (
    ingest_id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    dataset TEXT NOT NULL,
    source TEXT NOT NULL,
    settings TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'RUNNING' CHECK (status IN ('RUNNING', 'SUCCEEDED', 'FAILED')),
    position TEXT,
    listed INTEGER NOT NULL DEFAULT 0,
    total INTEGER,
    items INTEGER NOT NULL DEFAULT 0,
    repeated INTEGER NOT NULL DEFAULT 0,
    known INTEGER NOT NULL DEFAULT 0,
    known_in_a_row INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    ended_at REAL,
    error TEXT
);
CREATE INDEX ingests_of_dataset ON ingests (dataset, ingest_id);

-- facts: JSON of the source's facts besides the URL. outcome: NULL until the item is done; its audit record, of the
-- execution <run_id>-<item_index in 8 digits>, is committed together with it. key: of the object that holds the bytes.
CREATE TABLE ingest_items (
    ingest_id INTEGER NOT NULL REFERENCES ingests,
    item_index INTEGER NOT NULL,
    identity BLOB NOT NULL,
    url TEXT NOT NULL,
    facts TEXT,
    outcome TEXT,
    key TEXT,
    attempts INTEGER,
    began_at REAL,
    ended_at REAL,
    sha1 TEXT,
    etag TEXT,
    last_modified TEXT,
    PRIMARY KEY (ingest_id, item_index)
) WITHOUT ROWID;
CREATE UNIQUE INDEX ingest_items_by_identity ON ingest_items (identity, ingest_id);
CREATE INDEX ingest_items_by_sha1 ON ingest_items (sha1) WHERE sha1 IS NOT NULL;

-- The first 64 bits are enough to find an object; with a million objects the index has a third of the full size.
CREATE INDEX objects_by_sha256 ON objects (substr(sha256, 1, 16));
CREATE INDEX audit_alerted ON audit (execution) WHERE alert_triggered = 1;

-- The new description of an object that is about to be overwritten, committed before its file is replaced.
CREATE TABLE overwrites (
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
"""

_THIRD = """
-- The working time of the execution until the fact: seconds in which a process drove it, whatever the clocks said.
-- NULL: from a version that did not measure it, or while no process drove it.
ALTER TABLE facts ADD COLUMN worked REAL;
"""

_FOURTH = """
-- cause: of the error; of a RUNNING run, why it stopped for now. stopped_at: when `stop` ended it. Its status is
-- ABORTED then; the column has FAILED, because its words are fixed.
ALTER TABLE ingests ADD COLUMN cause TEXT;
ALTER TABLE ingests ADD COLUMN stop_request TEXT;
ALTER TABLE ingests ADD COLUMN stopped_at REAL;
-- count: the most executions that were asked for. stopped_at: when `stop` ended a run that has no execution to abort.
ALTER TABLE runs ADD COLUMN count INTEGER;
ALTER TABLE runs ADD COLUMN stopped_at REAL;

-- Runs that were removed with their outputs and with the images that nothing else needs. Their audit records stay, so
-- their names stay taken. removed_at: NULL while files and rows of the run may be left. is_dataset: all of its dataset
-- is removed.
CREATE TABLE discarded_runs (
    run_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    dataset TEXT,
    source TEXT,
    is_dataset INTEGER NOT NULL DEFAULT 0,
    began_at REAL NOT NULL,
    discarded_at REAL NOT NULL,
    removed_at REAL
) WITHOUT ROWID;
"""

_FIFTH = """
-- md5: of the bytes, where the source declared one, as sha1. verification: against the declared hashes.
ALTER TABLE ingest_items ADD COLUMN md5 TEXT;
ALTER TABLE ingest_items ADD COLUMN verification TEXT;
CREATE INDEX ingest_items_by_md5 ON ingest_items (md5) WHERE md5 IS NOT NULL;
CREATE INDEX ingest_items_verified ON ingest_items (ingest_id, verification) WHERE verification IS NOT NULL;
"""

_SIXTH = """
-- What the quality pass found in the image with these bytes: a JSON object. version: of its algorithms.
-- decoder: what decoded it, and within which limits.
CREATE TABLE quality (
    sha256 TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    decoder TEXT NOT NULL,
    findings TEXT NOT NULL,
    examined_at REAL NOT NULL
) WITHOUT ROWID;

-- The groups of near-duplicates. rule: version of the hash, and the greatest distance. place: the order of arrival.
CREATE TABLE quality_groups (
    dataset TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    rule TEXT NOT NULL,
    place INTEGER NOT NULL,
    representative TEXT NOT NULL,
    distance INTEGER NOT NULL,
    PRIMARY KEY (dataset, sha256)
) WITHOUT ROWID;

CREATE TABLE quality_reviews (
    dataset TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    decision TEXT NOT NULL,
    decided_at REAL NOT NULL,
    PRIMARY KEY (dataset, sha256)
) WITHOUT ROWID;
"""

_SEVENTH = """
-- Items of hosts that other machines fetch, where the run is one shard of its source.
ALTER TABLE ingests ADD COLUMN other_shards INTEGER NOT NULL DEFAULT 0;
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH, _SIXTH, _SEVENTH, *API_MIGRATIONS)


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[str] | None = None) -> None:
    """Migrate the file to the current tables, or to those of `migrations`, all or nothing.

    Raises: ConfigurationError, naming `path`.
    """
    migrations = MIGRATIONS if migrations is None else migrations
    connection.execute("BEGIN IMMEDIATE")  # before the check, so that two processes do not both decide to migrate
    try:
        version = check_version(connection, path)
        for number, script in enumerate(migrations[version:], start=version + 1):
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def check_version(connection: sqlite3.Connection, path: Path) -> int:
    """The number of applied migrations. Raises: ConfigurationError for another program's file, or a newer version's."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (tables or version or application):
        raise ConfigurationError(f"{path} is another program's database; give another data directory with --data")
    if version > len(MIGRATIONS):
        raise ConfigurationError(
            f"{path} was written by a newer pupline (schema {version}, this one knows {len(MIGRATIONS)}); "
            "upgrade pupline, or give another data directory with --data"
        )
    return int(version)


def _statements(script: str) -> list[str]:
    """The script's statements one by one: `executescript` would commit the open transaction."""
    found, start = [], 0
    for end, character in enumerate(script, start=1):
        if character == ";" and sqlite3.complete_statement(script[start:end]):
            found.append(script[start:end].strip())
            start = end
    return found
