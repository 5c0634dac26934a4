-- Tables of format 1. KEY_TEXT is TEXT compared byte by byte (the engine's word for it is put in before running).

CREATE TABLE fact (
    product KEY_TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    id KEY_TEXT NOT NULL UNIQUE,
    time BIGINT NOT NULL,
    actor KEY_TEXT NOT NULL,
    role TEXT,
    verb KEY_TEXT NOT NULL,
    subject KEY_TEXT NOT NULL,
    payload TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (product, sequence)
);
CREATE INDEX fact_by_verb ON fact (product, verb, sequence);
CREATE INDEX fact_by_subject ON fact (product, subject, sequence);
CREATE INDEX fact_by_actor ON fact (product, actor, sequence);

-- The newest place of each chain. Derived, so it may change; it shows when the end of a chain was cut off.
CREATE TABLE chain (
    product KEY_TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE link (
    product KEY_TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    position BIGINT NOT NULL,
    relation TEXT NOT NULL,
    kind TEXT NOT NULL,
    target KEY_TEXT NOT NULL,
    PRIMARY KEY (product, sequence, position)
);
CREATE INDEX link_by_target ON link (product, target, sequence);

CREATE TABLE definition (
    digest KEY_TEXT NOT NULL,
    path KEY_TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (digest, path)
);

-- Bulk rows carry the sequence of the fact that brought them in (0: none yet) and their place among its rows.
CREATE TABLE metric_point (
    product KEY_TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    position BIGINT NOT NULL,
    run KEY_TEXT NOT NULL,
    name KEY_TEXT NOT NULL,
    step BIGINT NOT NULL,
    time BIGINT NOT NULL,
    value DOUBLE PRECISION,
    PRIMARY KEY (product, sequence, position)
);
CREATE UNIQUE INDEX metric_point_by_run ON metric_point (product, run, name, step, time, value);

CREATE TABLE prediction (
    product KEY_TEXT NOT NULL,
    id KEY_TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    position BIGINT NOT NULL,
    release KEY_TEXT NOT NULL,
    time BIGINT NOT NULL,
    label TEXT NOT NULL,
    score DOUBLE PRECISION,
    inputs TEXT NOT NULL,
    microseconds BIGINT NOT NULL,
    PRIMARY KEY (product, id)
);
CREATE UNIQUE INDEX prediction_by_fact ON prediction (product, sequence, position);
CREATE INDEX prediction_by_time ON prediction (product, time, sequence, position);
CREATE INDEX prediction_by_release ON prediction (product, release, time, sequence, position);

CREATE TABLE outcome (
    product KEY_TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    position BIGINT NOT NULL,
    prediction KEY_TEXT NOT NULL,
    value KEY_TEXT NOT NULL,
    observed BIGINT,
    received BIGINT NOT NULL,
    PRIMARY KEY (product, sequence, position)
);
-- An outcome that says the same again is no news; one without a time is the same as another without one.
CREATE UNIQUE INDEX outcome_once ON outcome (product, prediction, value, COALESCE(observed, -9223372036854775807));

-- No facts: these two may change.
CREATE TABLE token (
    hash KEY_TEXT NOT NULL PRIMARY KEY,
    member KEY_TEXT NOT NULL,
    created BIGINT NOT NULL,
    revoked BIGINT
);
CREATE TABLE lease (
    name KEY_TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    beat BIGINT NOT NULL
);
