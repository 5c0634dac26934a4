-- What experiments log. Unlike facts these rows change and can be deleted: the facts of a run name it and keep a digest.
-- BYTES, SERIAL_KEY and WITHOUT_ROWID stand for each engine's own words. Times are milliseconds since 1970.

CREATE TABLE tracked_experiment (
    product KEY_TEXT NOT NULL,
    id BIGINT NOT NULL,
    name KEY_TEXT NOT NULL,
    artifacts TEXT NOT NULL,
    stage TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (product, id)
);
CREATE UNIQUE INDEX tracked_experiment_by_name ON tracked_experiment (product, name);

-- `document` holds parameters, tags and latest metrics as JSON: a page of runs is read from here. The tables after it
-- hold the same, turned round, for filters and orders.
CREATE TABLE tracked_run (
    number SERIAL_KEY,
    product KEY_TEXT NOT NULL,
    id KEY_TEXT NOT NULL,
    experiment BIGINT NOT NULL,
    name TEXT NOT NULL,
    actor TEXT NOT NULL,
    status TEXT NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT,
    stage TEXT NOT NULL,
    deleted BIGINT,
    artifacts TEXT NOT NULL,
    native BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE UNIQUE INDEX tracked_run_by_id ON tracked_run (product, id);
CREATE INDEX tracked_run_by_start ON tracked_run (product, experiment, stage, started DESC, id);
CREATE TABLE tracked_parameter (
    run BIGINT NOT NULL,
    key KEY_TEXT NOT NULL,
    value TEXT NOT NULL,
    head KEY_TEXT NOT NULL,
    PRIMARY KEY (run, key)
) WITHOUT_ROWID;
-- `head` is the first hundred characters of the value: what an index can hold.
CREATE INDEX tracked_parameter_by_value ON tracked_parameter (key, head, run);
CREATE TABLE tracked_tag (
    run BIGINT NOT NULL,
    key KEY_TEXT NOT NULL,
    value TEXT NOT NULL,
    head KEY_TEXT NOT NULL,
    PRIMARY KEY (run, key)
) WITHOUT_ROWID;
CREATE INDEX tracked_tag_by_value ON tracked_tag (key, head, run);
-- A value that is not a number is NULL here.
CREATE TABLE tracked_metric (
    run BIGINT NOT NULL,
    key KEY_TEXT NOT NULL,
    value DOUBLE PRECISION,
    PRIMARY KEY (run, key)
) WITHOUT_ROWID;
CREATE INDEX tracked_metric_by_value ON tracked_metric (key, value, run);

CREATE TABLE tracked_dataset (
    number SERIAL_KEY,
    product KEY_TEXT NOT NULL,
    experiment BIGINT NOT NULL,
    name KEY_TEXT NOT NULL,
    digest KEY_TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source TEXT NOT NULL,
    schema_text TEXT,
    profile TEXT
);
CREATE UNIQUE INDEX tracked_dataset_by_name ON tracked_dataset (product, experiment, name, digest);
CREATE TABLE tracked_input (
    run BIGINT NOT NULL,
    dataset BIGINT NOT NULL,
    context KEY_TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (run, dataset)
);
CREATE INDEX tracked_input_by_dataset ON tracked_input (dataset, run);

-- Metric points as they came, one row for each call that was acknowledged …
CREATE TABLE tracked_journal (
    sequence SERIAL_KEY,
    product KEY_TEXT NOT NULL,
    run BIGINT NOT NULL,
    points BYTES NOT NULL
);
CREATE INDEX tracked_journal_by_run ON tracked_journal (run, sequence);
-- … and sorted by metric, some hundred to some thousand points to a part.
CREATE TABLE tracked_part (
    run BIGINT NOT NULL,
    key KEY_TEXT NOT NULL,
    part BIGINT NOT NULL,
    count BIGINT NOT NULL,
    first_step BIGINT NOT NULL,
    last_step BIGINT NOT NULL,
    points BYTES NOT NULL,
    PRIMARY KEY (run, key, part)
);

-- How far facts of runs were taken over into these tables.
CREATE TABLE tracked_cursor (
    product KEY_TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL
);
