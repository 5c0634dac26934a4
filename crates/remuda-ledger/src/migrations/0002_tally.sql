-- Format 2: traffic by release and minute, so that a page costs minutes, not predictions. Derived, so it may change.
-- `outcomes` counts predictions that have at least one.
CREATE TABLE tally (
    product KEY_TEXT NOT NULL,
    release KEY_TEXT NOT NULL,
    minute BIGINT NOT NULL,
    predictions BIGINT NOT NULL,
    outcomes BIGINT NOT NULL,
    microseconds BIGINT NOT NULL,
    slowest BIGINT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (product, release, minute)
);
INSERT INTO tally (product, release, minute, predictions, outcomes, microseconds, slowest, first, last)
SELECT p.product, p.release, (p.time / 60000000) * 60000000 AS minute, COUNT(*),
    SUM(CASE WHEN EXISTS (SELECT 1 FROM outcome o WHERE o.product = p.product AND o.prediction = p.id) THEN 1 ELSE 0 END),
    CAST(SUM(p.microseconds) AS BIGINT), MAX(p.microseconds), MIN(p.time), MAX(p.time)
FROM prediction p GROUP BY p.product, p.release, minute;
