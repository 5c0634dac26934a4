-- The database itself refuses to change what was appended (format 1).

CREATE FUNCTION remuda_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'remuda: rows of % are appended, never changed', TG_TABLE_NAME;
END;
$$;

CREATE TRIGGER fact_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON fact
FOR EACH STATEMENT EXECUTE FUNCTION remuda_refuse();
CREATE TRIGGER link_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON link
FOR EACH STATEMENT EXECUTE FUNCTION remuda_refuse();
CREATE TRIGGER definition_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON definition
FOR EACH STATEMENT EXECUTE FUNCTION remuda_refuse();
CREATE TRIGGER metric_point_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON metric_point
FOR EACH STATEMENT EXECUTE FUNCTION remuda_refuse();
CREATE TRIGGER prediction_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON prediction
FOR EACH STATEMENT EXECUTE FUNCTION remuda_refuse();
CREATE TRIGGER outcome_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON outcome
FOR EACH STATEMENT EXECUTE FUNCTION remuda_refuse();
