-- Models as scripts log them, and registered models with their versions and aliases. Like the tables of 0003 these rows
-- change and can be deleted. Times are milliseconds since 1970. JSON columns are read whole; what filters look at has a
-- table beside them.

CREATE TABLE logged_model (
    number SERIAL_KEY,
    product KEY_TEXT NOT NULL,
    id KEY_TEXT NOT NULL,
    experiment BIGINT NOT NULL,
    name KEY_TEXT NOT NULL,
    kind TEXT,
    source_run KEY_TEXT,
    status TEXT NOT NULL,
    stage TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    artifacts TEXT NOT NULL,
    parameters TEXT NOT NULL,
    tags TEXT NOT NULL
);
CREATE UNIQUE INDEX logged_model_by_id ON logged_model (product, id);
CREATE INDEX logged_model_by_time ON logged_model (product, experiment, stage, created DESC, id);
CREATE INDEX logged_model_by_run ON logged_model (product, source_run);
CREATE TABLE logged_model_parameter (
    model BIGINT NOT NULL,
    key KEY_TEXT NOT NULL,
    value TEXT NOT NULL,
    head KEY_TEXT NOT NULL,
    PRIMARY KEY (model, key)
) WITHOUT_ROWID;
CREATE INDEX logged_model_parameter_by_value ON logged_model_parameter (key, head, model);
CREATE TABLE logged_model_tag (
    model BIGINT NOT NULL,
    key KEY_TEXT NOT NULL,
    value TEXT NOT NULL,
    head KEY_TEXT NOT NULL,
    PRIMARY KEY (model, key)
) WITHOUT_ROWID;
CREATE INDEX logged_model_tag_by_value ON logged_model_tag (key, head, model);
-- A value that is not a number is NULL; a point without a dataset has empty texts for it.
CREATE TABLE logged_model_metric (
    model BIGINT NOT NULL,
    key KEY_TEXT NOT NULL,
    time BIGINT NOT NULL,
    step BIGINT NOT NULL,
    run KEY_TEXT NOT NULL,
    dataset KEY_TEXT NOT NULL,
    dataset_digest KEY_TEXT NOT NULL,
    value DOUBLE PRECISION,
    PRIMARY KEY (model, key, time, step, run, dataset, dataset_digest)
) WITHOUT_ROWID;
CREATE INDEX logged_model_metric_by_value ON logged_model_metric (key, value, model);

-- `versions` is the greatest number that a version ever had.
CREATE TABLE registered_model (
    number SERIAL_KEY,
    product KEY_TEXT NOT NULL,
    name KEY_TEXT NOT NULL,
    description TEXT,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    versions BIGINT NOT NULL,
    tags TEXT NOT NULL
);
CREATE UNIQUE INDEX registered_model_by_name ON registered_model (product, name);
CREATE TABLE registered_model_tag (
    model BIGINT NOT NULL,
    key KEY_TEXT NOT NULL,
    value TEXT NOT NULL,
    head KEY_TEXT NOT NULL,
    PRIMARY KEY (model, key)
) WITHOUT_ROWID;
CREATE INDEX registered_model_tag_by_value ON registered_model_tag (key, head, model);
CREATE TABLE registered_version (
    number SERIAL_KEY,
    model BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    description TEXT,
    actor TEXT NOT NULL,
    stage KEY_TEXT NOT NULL,
    source TEXT NOT NULL,
    storage TEXT NOT NULL,
    run KEY_TEXT,
    run_link TEXT,
    logged KEY_TEXT,
    tags TEXT NOT NULL
);
CREATE UNIQUE INDEX registered_version_by_number ON registered_version (model, version);
CREATE INDEX registered_version_by_stage ON registered_version (model, stage, version);
CREATE INDEX registered_version_by_run ON registered_version (run);
CREATE TABLE registered_version_tag (
    version BIGINT NOT NULL,
    key KEY_TEXT NOT NULL,
    value TEXT NOT NULL,
    head KEY_TEXT NOT NULL,
    PRIMARY KEY (version, key)
) WITHOUT_ROWID;
CREATE INDEX registered_version_tag_by_value ON registered_version_tag (key, head, version);
CREATE TABLE registered_alias (
    model BIGINT NOT NULL,
    alias KEY_TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (model, alias)
) WITHOUT_ROWID;
