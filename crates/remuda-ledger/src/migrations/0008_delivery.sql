-- Format 8: records that runners spooled while no server was there, and delivered. A record's row is written by the
-- transaction that carries the record out, so one that comes twice is known; rows go once the runner knows too.
CREATE TABLE tracked_delivery (
    product KEY_TEXT NOT NULL,
    spool KEY_TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    part BIGINT NOT NULL,
    PRIMARY KEY (product, spool, sequence, part)
) WITHOUT_ROWID;
-- Up to here all records of a spool are known to be delivered.
CREATE TABLE tracked_delivered (
    product KEY_TEXT NOT NULL,
    spool KEY_TEXT NOT NULL,
    through BIGINT NOT NULL,
    PRIMARY KEY (product, spool)
) WITHOUT_ROWID;
