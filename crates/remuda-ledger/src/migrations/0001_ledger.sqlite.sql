-- The database itself refuses to change what was appended (format 1).

CREATE TRIGGER fact_no_update BEFORE UPDATE ON fact
BEGIN SELECT RAISE(ABORT, 'remuda: rows of fact are appended, never changed'); END;
CREATE TRIGGER fact_no_delete BEFORE DELETE ON fact
BEGIN SELECT RAISE(ABORT, 'remuda: rows of fact are appended, never changed'); END;
CREATE TRIGGER link_no_update BEFORE UPDATE ON link
BEGIN SELECT RAISE(ABORT, 'remuda: rows of link are appended, never changed'); END;
CREATE TRIGGER link_no_delete BEFORE DELETE ON link
BEGIN SELECT RAISE(ABORT, 'remuda: rows of link are appended, never changed'); END;
CREATE TRIGGER definition_no_update BEFORE UPDATE ON definition
BEGIN SELECT RAISE(ABORT, 'remuda: rows of definition are appended, never changed'); END;
CREATE TRIGGER definition_no_delete BEFORE DELETE ON definition
BEGIN SELECT RAISE(ABORT, 'remuda: rows of definition are appended, never changed'); END;
CREATE TRIGGER metric_point_no_update BEFORE UPDATE ON metric_point
BEGIN SELECT RAISE(ABORT, 'remuda: rows of metric_point are appended, never changed'); END;
CREATE TRIGGER metric_point_no_delete BEFORE DELETE ON metric_point
BEGIN SELECT RAISE(ABORT, 'remuda: rows of metric_point are appended, never changed'); END;
CREATE TRIGGER prediction_no_update BEFORE UPDATE ON prediction
BEGIN SELECT RAISE(ABORT, 'remuda: rows of prediction are appended, never changed'); END;
CREATE TRIGGER prediction_no_delete BEFORE DELETE ON prediction
BEGIN SELECT RAISE(ABORT, 'remuda: rows of prediction are appended, never changed'); END;
CREATE TRIGGER outcome_no_update BEFORE UPDATE ON outcome
BEGIN SELECT RAISE(ABORT, 'remuda: rows of outcome are appended, never changed'); END;
CREATE TRIGGER outcome_no_delete BEFORE DELETE ON outcome
BEGIN SELECT RAISE(ABORT, 'remuda: rows of outcome are appended, never changed'); END;

-- INSERT OR REPLACE deletes without asking the triggers above.
CREATE TRIGGER fact_no_replace BEFORE INSERT ON fact
WHEN EXISTS (SELECT 1 FROM fact WHERE (product = NEW.product AND sequence = NEW.sequence) OR id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'remuda: this fact is in the ledger already'); END;
CREATE TRIGGER link_no_replace BEFORE INSERT ON link
WHEN EXISTS (SELECT 1 FROM link WHERE product = NEW.product AND sequence = NEW.sequence AND position = NEW.position)
BEGIN SELECT RAISE(ABORT, 'remuda: this link is in the ledger already'); END;
