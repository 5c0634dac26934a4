-- How each imported run stood at its source, as JSON: the next import takes what has changed since, and nothing twice.
CREATE TABLE tracked_import (
    product KEY_TEXT NOT NULL,
    run KEY_TEXT NOT NULL,
    state TEXT NOT NULL,
    artifacts TEXT NOT NULL,
    PRIMARY KEY (product, run)
) WITHOUT_ROWID;

-- Traces: what a call did, step by step. Times of traces are milliseconds, those of spans nanoseconds since 1970.
CREATE TABLE tracked_trace (
    number SERIAL_KEY,
    product KEY_TEXT NOT NULL,
    id KEY_TEXT NOT NULL,
    experiment BIGINT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    started BIGINT NOT NULL,
    duration BIGINT,
    caller TEXT,
    document TEXT NOT NULL
);
CREATE UNIQUE INDEX tracked_trace_by_id ON tracked_trace (product, id);
CREATE INDEX tracked_trace_by_start ON tracked_trace (product, experiment, started DESC, id);
-- Tags and metadata, for filters.
CREATE TABLE tracked_trace_word (
    trace BIGINT NOT NULL,
    kind KEY_TEXT NOT NULL,
    key KEY_TEXT NOT NULL,
    value TEXT NOT NULL,
    head KEY_TEXT NOT NULL,
    PRIMARY KEY (trace, kind, key)
) WITHOUT_ROWID;
CREATE INDEX tracked_trace_word_by_value ON tracked_trace_word (kind, key, head, trace);
CREATE TABLE tracked_span (
    trace BIGINT NOT NULL,
    id KEY_TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    content BYTES NOT NULL,
    PRIMARY KEY (trace, id)
);
CREATE TABLE tracked_assessment (
    trace BIGINT NOT NULL,
    id KEY_TEXT NOT NULL,
    name KEY_TEXT NOT NULL,
    kind KEY_TEXT NOT NULL,
    value TEXT NOT NULL,
    created BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (trace, id)
) WITHOUT_ROWID;
CREATE INDEX tracked_assessment_by_name ON tracked_assessment (kind, name, trace);
