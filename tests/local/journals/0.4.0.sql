PRAGMA application_id = 1886744684;
PRAGMA user_version = 10;
BEGIN TRANSACTION;
CREATE TABLE activities (
    arn TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    encryption TEXT NOT NULL,
    created_at REAL NOT NULL
) WITHOUT ROWID;
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
INSERT INTO "alerts" VALUES(1,'dc9204ca-18c8-5d0a-b433-ff68eebcb51d','dog-7','Publish@1#0','arn:aws:sns:us-east-1:000000000000:png-alert-topic',NULL,'dog 7','{}',1767323048.0);
INSERT INTO "alerts" VALUES(2,'d898934b-475a-50ad-bcba-b6eea29ee5a1','dog-1','Publish@1#0','arn:aws:sns:us-east-1:000000000000:png-alert-topic',NULL,'dog 1','{}',1767323048.0);
INSERT INTO "alerts" VALUES(3,'a9b31b29-38f8-549e-b000-33b0c1370bac','dog-101','Publish@1#0','arn:aws:sns:us-east-1:000000000000:png-alert-topic',NULL,'dog 101','{}',1767323078.0);
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
CREATE TABLE definition_texts (
    text_digest TEXT PRIMARY KEY,
    definition TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE definitions (
    digest TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    definition TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "definitions" VALUES('96c3517fb1303782b6b4847e919cc58779f4fadf33925e7d7b634499ebb2647d','StateMachine','STANDARD','{"StartAt": "First", "States": {"First": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:Echo", "ResultPath": "$.first", "Next": "Both"}, "Both": {"Type": "Parallel", "ResultPath": "$.both", "Next": "Pick", "Branches": [{"StartAt": "Try", "States": {"Try": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:Flaky", "Retry": [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 2, "MaxAttempts": 2, "JitterStrategy": "FULL"}], "End": true}}}, {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3, "Next": "Then"}, "Then": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:Echo", "End": true}}}]}, "Pick": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericGreaterThan": 100, "Next": "Slow"}], "Default": "Each"}, "Slow": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:Hang", "TimeoutSeconds": 30, "Catch": [{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.late", "Next": "Each"}], "Next": "Each"}, "Each": {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": {"StartAt": "One", "States": {"One": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:Echo", "End": true}}}, "ResultPath": "$.each", "Next": "Publish"}, "Publish": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {"TopicArn": "arn:aws:sns:us-east-1:000000000000:png-alert-topic", "Message.$": "States.Format(''dog {}'', $.n)"}, "ResultPath": null, "Next": "Judge"}, "Judge": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 7, "Next": "Bad"}], "Default": "Good"}, "Bad": {"Type": "Fail", "Error": "Seven", "Cause": "not a good number"}, "Good": {"Type": "Succeed"}}}');
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
INSERT INTO "executions" VALUES(1,'dog-1',NULL,NULL,'96c3517fb1303782b6b4847e919cc58779f4fadf33925e7d7b634499ebb2647d','{"n": 1, "items": [1, {"deep": [1]}, "\u00e9"]}','SUCCEEDED','{"n": 1, "items": [1, {"deep": [1]}, "\u00e9"], "first": {"n": 1, "items": [1, {"deep": [1]}, "\u00e9"]}, "both": [1, {"n": 1, "items": [1, {"deep": [1]}, "\u00e9"], "first": {"n": 1, "items": [1, {"deep": [1]}, "\u00e9"]}}], "each": [1, {"deep": [1]}, "\u00e9"]}',NULL,NULL,1767323045.0,1767323048.0,NULL);
INSERT INTO "executions" VALUES(2,'dog-7',NULL,NULL,'96c3517fb1303782b6b4847e919cc58779f4fadf33925e7d7b634499ebb2647d','{"n": 7, "items": [7, {"deep": [7]}, "\u00e9"]}','FAILED',NULL,'Seven','not a good number',1767323045.0,1767323048.0,NULL);
INSERT INTO "executions" VALUES(3,'dog-101',NULL,NULL,'96c3517fb1303782b6b4847e919cc58779f4fadf33925e7d7b634499ebb2647d','{"n": 101, "items": [101, {"deep": [101]}, "\u00e9"]}','SUCCEEDED','{"n": 101, "items": [101, {"deep": [101]}, "\u00e9"], "first": {"n": 101, "items": [101, {"deep": [101]}, "\u00e9"]}, "both": [101, {"n": 101, "items": [101, {"deep": [101]}, "\u00e9"], "first": {"n": 101, "items": [101, {"deep": [101]}, "\u00e9"]}}], "late": {"Error": "States.Timeout", "Cause": ""}, "each": [101, {"deep": [101]}, "\u00e9"]}',NULL,NULL,1767323045.0,1767323078.0,NULL);
INSERT INTO "executions" VALUES(101,'cut-1',NULL,NULL,'96c3517fb1303782b6b4847e919cc58779f4fadf33925e7d7b634499ebb2647d','{"n": 1, "items": [1]}','RUNNING',NULL,NULL,NULL,1767323045.0,NULL,NULL);
INSERT INTO "executions" VALUES(102,'cut-2',NULL,NULL,'96c3517fb1303782b6b4847e919cc58779f4fadf33925e7d7b634499ebb2647d','{"n": 2, "items": [2]}','RUNNING',NULL,NULL,NULL,1767323045.0,NULL,NULL);
INSERT INTO "executions" VALUES(103,'cut-3',NULL,NULL,'96c3517fb1303782b6b4847e919cc58779f4fadf33925e7d7b634499ebb2647d','{"n": 3, "items": [3]}','RUNNING',NULL,NULL,NULL,1767323045.0,NULL,NULL);
INSERT INTO "executions" VALUES(104,'cut-4',NULL,NULL,'96c3517fb1303782b6b4847e919cc58779f4fadf33925e7d7b634499ebb2647d','{"n": 4, "items": [4]}','RUNNING',NULL,NULL,NULL,1767323045.0,NULL,NULL);
INSERT INTO "executions" VALUES(105,'cut-5',NULL,NULL,'96c3517fb1303782b6b4847e919cc58779f4fadf33925e7d7b634499ebb2647d','{"n": 5, "items": [5]}','RUNNING',NULL,NULL,NULL,1767323045.0,NULL,NULL);
CREATE TABLE facts (
    execution_id INTEGER NOT NULL REFERENCES executions,
    seq INTEGER NOT NULL,
    now REAL NOT NULL,
    resource TEXT,
    fact TEXT NOT NULL, worked REAL,
    PRIMARY KEY (execution_id, seq)
) WITHOUT ROWID;
INSERT INTO "facts" VALUES(1,0,1767323045.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "First@1#0", "output": {"n": 1, "items": [1, {"deep": [1]}, "\u00e9"]}}',0.0);
INSERT INTO "facts" VALUES(1,1,1767323045.0,'arn:aws:lambda:us-east-1:000000000000:function:Flaky','{"fact": "TaskFailed", "id": "Both@1#0/0/Try@1#0", "error": "Flaky", "cause": "first attempt"}',0.0);
INSERT INTO "facts" VALUES(1,2,1.76732304533505606646e+09,NULL,'{"fact": "TimerFired", "id": "Both@1#0/0/Try@1#0/retry"}',3.35056066513061523437e-01);
INSERT INTO "facts" VALUES(1,3,1.76732304533505606646e+09,'arn:aws:lambda:us-east-1:000000000000:function:Flaky','{"fact": "TaskSucceeded", "id": "Both@1#0/0/Try@1#1", "output": 1}',3.35056066513061523437e-01);
INSERT INTO "facts" VALUES(1,4,1767323048.0,NULL,'{"fact": "TimerFired", "id": "Both@1#0/1/Wait@1"}',3.0);
INSERT INTO "facts" VALUES(1,5,1767323048.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "Both@1#0/1/Then@1#0", "output": {"n": 1, "items": [1, {"deep": [1]}, "\u00e9"], "first": {"n": 1, "items": [1, {"deep": [1]}, "\u00e9"]}}}',3.0);
INSERT INTO "facts" VALUES(1,6,1767323048.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "Each@1#0/1/One@1#0", "output": {"deep": [1]}}',3.0);
INSERT INTO "facts" VALUES(1,7,1767323048.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "Each@1#0/2/One@1#0", "output": "\u00e9"}',3.0);
INSERT INTO "facts" VALUES(1,8,1767323048.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "Each@1#0/0/One@1#0", "output": 1}',3.0);
INSERT INTO "facts" VALUES(1,9,1767323048.0,'arn:aws:states:::sns:publish','{"fact": "TaskSucceeded", "id": "Publish@1#0", "output": {"MessageId": "d898934b-475a-50ad-bcba-b6eea29ee5a1"}}',3.0);
INSERT INTO "facts" VALUES(2,0,1767323045.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "First@1#0", "output": {"n": 7, "items": [7, {"deep": [7]}, "\u00e9"]}}',0.0);
INSERT INTO "facts" VALUES(2,1,1767323045.0,'arn:aws:lambda:us-east-1:000000000000:function:Flaky','{"fact": "TaskFailed", "id": "Both@1#0/0/Try@1#0", "error": "Flaky", "cause": "first attempt"}',0.0);
INSERT INTO "facts" VALUES(2,2,1.76732304672763752937e+09,NULL,'{"fact": "TimerFired", "id": "Both@1#0/0/Try@1#0/retry"}',1.72763752937316894531e+00);
INSERT INTO "facts" VALUES(2,3,1.76732304672763752937e+09,'arn:aws:lambda:us-east-1:000000000000:function:Flaky','{"fact": "TaskSucceeded", "id": "Both@1#0/0/Try@1#1", "output": 7}',1.72763752937316894531e+00);
INSERT INTO "facts" VALUES(2,4,1767323048.0,NULL,'{"fact": "TimerFired", "id": "Both@1#0/1/Wait@1"}',3.0);
INSERT INTO "facts" VALUES(2,5,1767323048.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "Both@1#0/1/Then@1#0", "output": {"n": 7, "items": [7, {"deep": [7]}, "\u00e9"], "first": {"n": 7, "items": [7, {"deep": [7]}, "\u00e9"]}}}',3.0);
INSERT INTO "facts" VALUES(2,6,1767323048.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "Each@1#0/0/One@1#0", "output": 7}',3.0);
INSERT INTO "facts" VALUES(2,7,1767323048.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "Each@1#0/1/One@1#0", "output": {"deep": [7]}}',3.0);
INSERT INTO "facts" VALUES(2,8,1767323048.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "Each@1#0/2/One@1#0", "output": "\u00e9"}',3.0);
INSERT INTO "facts" VALUES(2,9,1767323048.0,'arn:aws:states:::sns:publish','{"fact": "TaskSucceeded", "id": "Publish@1#0", "output": {"MessageId": "dc9204ca-18c8-5d0a-b433-ff68eebcb51d"}}',3.0);
INSERT INTO "facts" VALUES(3,0,1767323045.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "First@1#0", "output": {"n": 101, "items": [101, {"deep": [101]}, "\u00e9"]}}',0.0);
INSERT INTO "facts" VALUES(3,1,1767323045.0,'arn:aws:lambda:us-east-1:000000000000:function:Flaky','{"fact": "TaskFailed", "id": "Both@1#0/0/Try@1#0", "error": "Flaky", "cause": "first attempt"}',0.0);
INSERT INTO "facts" VALUES(3,2,1.76732304531606483457e+09,NULL,'{"fact": "TimerFired", "id": "Both@1#0/0/Try@1#0/retry"}',3.160648345947265625e-01);
INSERT INTO "facts" VALUES(3,3,1.76732304531606483457e+09,'arn:aws:lambda:us-east-1:000000000000:function:Flaky','{"fact": "TaskSucceeded", "id": "Both@1#0/0/Try@1#1", "output": 101}',3.160648345947265625e-01);
INSERT INTO "facts" VALUES(3,4,1767323048.0,NULL,'{"fact": "TimerFired", "id": "Both@1#0/1/Wait@1"}',3.0);
INSERT INTO "facts" VALUES(3,5,1767323048.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "Both@1#0/1/Then@1#0", "output": {"n": 101, "items": [101, {"deep": [101]}, "\u00e9"], "first": {"n": 101, "items": [101, {"deep": [101]}, "\u00e9"]}}}',3.0);
INSERT INTO "facts" VALUES(3,6,1767323078.0,NULL,'{"fact": "TimerFired", "id": "Slow@1#0/timeout"}',33.0);
INSERT INTO "facts" VALUES(3,7,1767323078.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "Each@1#0/1/One@1#0", "output": {"deep": [101]}}',33.0);
INSERT INTO "facts" VALUES(3,8,1767323078.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "Each@1#0/2/One@1#0", "output": "\u00e9"}',33.0);
INSERT INTO "facts" VALUES(3,9,1767323078.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "Each@1#0/0/One@1#0", "output": 101}',33.0);
INSERT INTO "facts" VALUES(3,10,1767323078.0,'arn:aws:states:::sns:publish','{"fact": "TaskSucceeded", "id": "Publish@1#0", "output": {"MessageId": "a9b31b29-38f8-549e-b000-33b0c1370bac"}}',33.0);
INSERT INTO "facts" VALUES(102,0,1767323045.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "First@1#0", "output": {"n": 2, "items": [2]}}',0.0);
INSERT INTO "facts" VALUES(103,0,1767323045.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "First@1#0", "output": {"n": 3, "items": [3]}}',0.0);
INSERT INTO "facts" VALUES(103,1,1767323045.0,'arn:aws:lambda:us-east-1:000000000000:function:Flaky','{"fact": "TaskFailed", "id": "Both@1#0/0/Try@1#0", "error": "Flaky", "cause": "first attempt"}',0.0);
INSERT INTO "facts" VALUES(103,2,1.76732304557975316043e+09,NULL,'{"fact": "TimerFired", "id": "Both@1#0/0/Try@1#0/retry"}',5.79753160476684570312e-01);
INSERT INTO "facts" VALUES(104,0,1767323045.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "First@1#0", "output": {"n": 4, "items": [4]}}',0.0);
INSERT INTO "facts" VALUES(104,1,1767323045.0,'arn:aws:lambda:us-east-1:000000000000:function:Flaky','{"fact": "TaskFailed", "id": "Both@1#0/0/Try@1#0", "error": "Flaky", "cause": "first attempt"}',0.0);
INSERT INTO "facts" VALUES(104,2,1.76732304544889688496e+09,NULL,'{"fact": "TimerFired", "id": "Both@1#0/0/Try@1#0/retry"}',4.48896884918212890625e-01);
INSERT INTO "facts" VALUES(104,3,1.76732304544889688496e+09,'arn:aws:lambda:us-east-1:000000000000:function:Flaky','{"fact": "TaskSucceeded", "id": "Both@1#0/0/Try@1#1", "output": 4}',4.48896884918212890625e-01);
INSERT INTO "facts" VALUES(104,4,1767323048.0,NULL,'{"fact": "TimerFired", "id": "Both@1#0/1/Wait@1"}',3.0);
INSERT INTO "facts" VALUES(105,0,1767323045.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "First@1#0", "output": {"n": 5, "items": [5]}}',0.0);
INSERT INTO "facts" VALUES(105,1,1767323045.0,'arn:aws:lambda:us-east-1:000000000000:function:Flaky','{"fact": "TaskFailed", "id": "Both@1#0/0/Try@1#0", "error": "Flaky", "cause": "first attempt"}',0.0);
INSERT INTO "facts" VALUES(105,2,1.76732304583121800425e+09,NULL,'{"fact": "TimerFired", "id": "Both@1#0/0/Try@1#0/retry"}',8.31218004226684570312e-01);
INSERT INTO "facts" VALUES(105,3,1.76732304583121800425e+09,'arn:aws:lambda:us-east-1:000000000000:function:Flaky','{"fact": "TaskSucceeded", "id": "Both@1#0/0/Try@1#1", "output": 5}',8.31218004226684570312e-01);
INSERT INTO "facts" VALUES(105,4,1767323048.0,NULL,'{"fact": "TimerFired", "id": "Both@1#0/1/Wait@1"}',3.0);
INSERT INTO "facts" VALUES(105,5,1767323048.0,'arn:aws:lambda:us-east-1:000000000000:function:Echo','{"fact": "TaskSucceeded", "id": "Both@1#0/1/Then@1#0", "output": {"n": 5, "items": [5], "first": {"n": 5, "items": [5]}}}',3.0);
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
    last_modified TEXT, md5 TEXT, verification TEXT,
    PRIMARY KEY (ingest_id, item_index)
) WITHOUT ROWID;
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
, cause TEXT, stop_request TEXT, stopped_at REAL, other_shards INTEGER NOT NULL DEFAULT 0);
CREATE TABLE map_runs (
    arn TEXT PRIMARY KEY,
    execution_id INTEGER NOT NULL REFERENCES executions
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
CREATE TABLE quality (
    sha256 TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    decoder TEXT NOT NULL,
    findings TEXT NOT NULL,
    examined_at REAL NOT NULL
) WITHOUT ROWID;
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
CREATE TABLE resource_tags (
    arn TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
) WITHOUT ROWID;
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    created_at REAL NOT NULL
, count INTEGER, stopped_at REAL) WITHOUT ROWID;
CREATE TABLE state_machine_aliases (
    machine_arn TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    routes TEXT NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (machine_arn, name)
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
CREATE TABLE subscriptions (
    subscription_id INTEGER PRIMARY KEY,
    protocol TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    created_at REAL NOT NULL,
    removed_at REAL
);
CREATE INDEX executions_running ON executions (execution_id) WHERE status = 'RUNNING';
CREATE UNIQUE INDEX executions_of_run ON executions (run_id, run_index) WHERE run_id IS NOT NULL;
CREATE INDEX objects_writing ON objects (object_id) WHERE state = 'writing';
CREATE INDEX audit_by_time ON audit (upload_timestamp, audit_id);
CREATE INDEX audit_by_execution ON audit (execution);
CREATE UNIQUE INDEX subscriptions_once ON subscriptions (protocol, endpoint) WHERE removed_at IS NULL;
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE delivered_at IS NULL AND given_up_at IS NULL;
CREATE INDEX ingests_of_dataset ON ingests (dataset, ingest_id);
CREATE UNIQUE INDEX ingest_items_by_identity ON ingest_items (identity, ingest_id);
CREATE INDEX ingest_items_by_sha1 ON ingest_items (sha1) WHERE sha1 IS NOT NULL;
CREATE INDEX objects_by_sha256 ON objects (substr(sha256, 1, 16));
CREATE INDEX audit_alerted ON audit (execution) WHERE alert_triggered = 1;
CREATE INDEX ingest_items_by_md5 ON ingest_items (md5) WHERE md5 IS NOT NULL;
CREATE INDEX ingest_items_verified ON ingest_items (ingest_id, verification) WHERE verification IS NOT NULL;
CREATE INDEX api_executions_of_machine ON api_executions (machine_arn, execution_id);
CREATE INDEX map_runs_of_execution ON map_runs (execution_id);
CREATE INDEX executions_listed
    ON executions (execution_id, status, run_id, digest, start_time, stop_time, error);
CREATE INDEX executions_unsuccessful ON executions (execution_id) WHERE status IN ('FAILED', 'TIMED_OUT', 'ABORTED');
COMMIT;
