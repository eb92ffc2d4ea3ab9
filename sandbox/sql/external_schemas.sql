-- External schemas: schemas of the database whose relations lie elsewhere, with what SVV_EXTERNAL_SCHEMAS says of them.

CREATE TABLE sandbox_private.external_schema (
    schema_id oid PRIMARY KEY,
    eskind smallint NOT NULL,
    databasename text NOT NULL,
    esoptions text NOT NULL
);
CREATE FUNCTION pg_catalog.redshift_set_external_schema(schema text, kind integer, database text, options text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    found pg_catalog.pg_namespace;
BEGIN
    SELECT * INTO found FROM pg_catalog.pg_namespace WHERE nspname = schema;
    IF NOT pg_has_role(session_user, found.nspowner, 'MEMBER') THEN
        RAISE EXCEPTION 'must be owner of schema %', schema USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO sandbox_private.external_schema VALUES (found.oid, kind, database, options)
    ON CONFLICT (schema_id) DO UPDATE SET eskind = kind, databasename = database, esoptions = options;
END $$;
CREATE FUNCTION pg_catalog.redshift_external_schema(schema text) RETURNS TABLE (eskind smallint, databasename text, esoptions text) LANGUAGE sql STABLE SECURITY DEFINER
AS $$ SELECT e.eskind, e.databasename, e.esoptions FROM sandbox_private.external_schema e JOIN pg_catalog.pg_namespace n ON n.oid = e.schema_id WHERE n.nspname = schema $$;
CREATE FUNCTION sandbox_private.forget_external_schemas() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    DELETE FROM sandbox_private.external_schema WHERE schema_id IN (SELECT objid FROM pg_event_trigger_dropped_objects() WHERE object_type = 'schema');
END $$;
CREATE EVENT TRIGGER sandbox_forget_external_schemas ON sql_drop EXECUTE FUNCTION sandbox_private.forget_external_schemas();
CREATE VIEW pg_catalog.svv_external_schemas AS
    SELECT n.oid AS esoid, e.eskind, n.nspname AS schemaname, n.nspowner::integer AS esowner, e.databasename, e.esoptions
    FROM sandbox_private.external_schema e JOIN pg_catalog.pg_namespace n ON n.oid = e.schema_id
    WHERE redshift_is_superuser(redshift_session_user_id()) OR has_schema_privilege(session_user::name, n.oid, 'USAGE');
GRANT SELECT ON pg_catalog.svv_external_schemas TO PUBLIC;
