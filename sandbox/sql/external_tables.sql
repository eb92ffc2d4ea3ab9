-- External tables: foreign tables that stand for what an external schema shows. A table of the catalog is a file that is written before each query that
-- reads it; a federated one is the very table of the other server. Usage of the schema is what lets somebody read them.

CREATE EXTENSION file_fdw SCHEMA sandbox_private;
CREATE SERVER external_files FOREIGN DATA WRAPPER file_fdw;
CREATE TABLE sandbox_private.external_table (relid oid PRIMARY KEY, columns text NOT NULL);

CREATE FUNCTION sandbox_private.check_external(schema text) RETURNS oid LANGUAGE plpgsql AS $$
DECLARE
    found oid := (SELECT e.schema_id FROM sandbox_private.external_schema e JOIN pg_catalog.pg_namespace n ON n.oid = e.schema_id WHERE n.nspname = schema);
BEGIN
    IF found IS NULL THEN
        RAISE EXCEPTION 'schema "%" is not external', schema USING ERRCODE = 'invalid_schema_name';
    END IF;
    -- Two sessions may meet a new table at the same moment.
    PERFORM pg_advisory_xact_lock(found::bigint);
    RETURN found;
END $$;
-- The file that a table of the catalog is read from; `columns` has name and type of each, in order.
CREATE FUNCTION pg_catalog.redshift_external_file(schema text, relation text, columns jsonb) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    schema_id oid := sandbox_private.check_external(schema);
    name text := format('%I.%I', schema, relation);
    rel oid := to_regclass(name)::oid;
    file text;
BEGIN
    IF EXISTS (SELECT FROM jsonb_array_elements(columns) c WHERE c->>1 !~ '^[a-z ]+(\([0-9, ]+\))?$') THEN
        RAISE EXCEPTION 'a column of % has no type that a file is read as', name;
    END IF;
    IF rel IS NOT NULL AND columns::text <> (SELECT t.columns FROM sandbox_private.external_table t WHERE t.relid = rel) THEN
        EXECUTE format('DROP FOREIGN TABLE %s', name);
        rel := NULL;
    END IF;
    IF rel IS NULL THEN
        EXECUTE format('CREATE FOREIGN TABLE %s (%s) SERVER external_files OPTIONS (format ''csv'', filename ''/dev/null'')', name,
            (SELECT string_agg(format('%I %s', c->>0, c->>1), ', ' ORDER BY place) FROM jsonb_array_elements(columns) WITH ORDINALITY AS t(c, place)));
        EXECUTE format('GRANT SELECT ON %s TO PUBLIC', name);
        rel := to_regclass(name)::oid;
        INSERT INTO sandbox_private.external_table VALUES (rel, columns::text);
    END IF;
    -- Its own in every database: a copy of a database keeps the foreign table, and reads another file.
    file := format('{host}/external/%s-%s.csv', md5(physical_database()::text), rel);
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_foreign_table f WHERE f.ftrelid = rel AND 'filename=' || file = ANY (f.ftoptions)) THEN
        EXECUTE format('ALTER FOREIGN TABLE %s OPTIONS (SET filename %L)', name, file);
    END IF;
    RETURN file;
END $$;

-- A table of another server, reached with the user and password that its secret holds now.
CREATE FUNCTION pg_catalog.redshift_external_federated(schema text, relation text, server jsonb, remote text, username text, password text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    own text := 'external_' || sandbox_private.check_external(schema);
    mapping text := format('OPTIONS (user %L, password %L)', username, password);
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_foreign_server s WHERE s.srvname = own) THEN
        EXECUTE format('CREATE SERVER %I FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', own, server->>'host', server->>'port', server->>'dbname');
        EXECUTE format('CREATE USER MAPPING FOR PUBLIC SERVER %I %s', own, mapping);
    ELSIF NOT EXISTS (SELECT FROM pg_catalog.pg_user_mappings m WHERE m.srvname = own AND m.umoptions @> ARRAY['user=' || username, 'password=' || password]) THEN
        EXECUTE format('DROP USER MAPPING FOR PUBLIC SERVER %I', own);
        EXECUTE format('CREATE USER MAPPING FOR PUBLIC SERVER %I %s', own, mapping);
    END IF;
    IF to_regclass(format('%I.%I', schema, relation)) IS NULL THEN
        EXECUTE format('IMPORT FOREIGN SCHEMA %I LIMIT TO (%I) FROM SERVER %I INTO %I', remote, relation, own, schema);
        IF to_regclass(format('%I.%I', schema, relation)) IS NULL THEN
            RAISE EXCEPTION 'relation "%.%" does not exist', schema, relation USING ERRCODE = 'undefined_table';
        END IF;
        EXECUTE format('GRANT SELECT ON %I.%I TO PUBLIC', schema, relation);
    END IF;
END $$;

-- Which external tables a relation reads: itself, or those behind a view.
CREATE FUNCTION pg_catalog.redshift_external_tables(rel text) RETURNS TABLE (schema text, relation text) LANGUAGE sql STABLE SECURITY DEFINER AS $$
    WITH RECURSIVE part(relid) AS (
        SELECT to_regclass(rel)::oid
        UNION
        SELECT d.refobjid FROM part p JOIN pg_catalog.pg_rewrite w ON w.ev_class = p.relid
        JOIN pg_catalog.pg_class c ON c.oid = w.ev_class AND c.relkind = 'v'
        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> p.relid
    )
    SELECT n.nspname::text, c.relname::text FROM part p JOIN pg_catalog.pg_class c ON c.oid = p.relid AND c.relkind = 'f'
    JOIN sandbox_private.external_schema e ON e.schema_id = c.relnamespace JOIN pg_catalog.pg_namespace n ON n.oid = e.schema_id $$;

-- What goes with an external schema, before it is dropped itself.
CREATE FUNCTION pg_catalog.redshift_drop_external_tables(schema text, behaviour text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    found pg_catalog.pg_namespace;
    rel regclass;
BEGIN
    SELECT n.* INTO found FROM pg_catalog.pg_namespace n JOIN sandbox_private.external_schema e ON e.schema_id = n.oid WHERE n.nspname = schema;
    IF found.oid IS NULL OR NOT pg_has_role(session_user, found.nspowner, 'MEMBER') THEN
        RETURN;
    END IF;
    FOR rel IN SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace = found.oid AND c.relkind = 'f' LOOP
        EXECUTE format('DROP FOREIGN TABLE %s %s', rel, CASE behaviour WHEN 'CASCADE' THEN 'CASCADE' ELSE 'RESTRICT' END);
    END LOOP;
    EXECUTE format('DROP SERVER IF EXISTS %I CASCADE', 'external_' || found.oid);
END $$;
CREATE FUNCTION sandbox_private.forget_external_tables() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    DELETE FROM sandbox_private.external_table WHERE relid IN (SELECT objid FROM pg_event_trigger_dropped_objects() WHERE classid = 'pg_class'::regclass);
END $$;
CREATE EVENT TRIGGER sandbox_forget_external_tables ON sql_drop EXECUTE FUNCTION sandbox_private.forget_external_tables();
