-- What makes a PostgreSQL database look like a Redshift database: names without the warehouse's prefix, table attributes,
-- system views. Run once in the template that every warehouse database is copied from.
--
-- On the server a database is called `<prefix>.<name>`, a user `<prefix>.<name>`, a role `<prefix>@<name>`, a group
-- `<prefix>%<name>`; `<prefix>!superuser` and `<prefix>!syslog` have the users with those rights as members. The plain name
-- is the comment of the database or role, because a long name does not fit into a PostgreSQL name.

CREATE SCHEMA sandbox_private;
CREATE EXTENSION postgres_fdw SCHEMA sandbox_private;
CREATE SERVER control FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{host}', port '{port}', dbname '{control}');
CREATE USER MAPPING FOR CURRENT_USER SERVER control OPTIONS (user '{superuser}', password_required 'false');
IMPORT FOREIGN SCHEMA public FROM SERVER control INTO sandbox_private;

-- Names ------------------------------------------------------------------------------------------------------------

-- The built-in functions stay reachable under another name: views that PostgreSQL brings along are moved to the new ones below.
ALTER FUNCTION pg_catalog.current_database() RENAME TO physical_database;
ALTER FUNCTION pg_catalog.pg_get_userbyid(oid) RENAME TO physical_userbyid;
ALTER FUNCTION pg_catalog.pg_terminate_backend(integer, bigint) RENAME TO physical_terminate_backend;
ALTER FUNCTION pg_catalog.pg_cancel_backend(integer) RENAME TO physical_cancel_backend;
ALTER FUNCTION pg_catalog.has_table_privilege(name, text, text) RENAME TO physical_has_table_privilege;
ALTER FUNCTION pg_catalog.has_schema_privilege(name, text, text) RENAME TO physical_has_schema_privilege;
ALTER FUNCTION pg_catalog.has_database_privilege(text, text) RENAME TO physical_has_database_privilege;
ALTER FUNCTION pg_catalog.has_database_privilege(name, text, text) RENAME TO physical_has_database_privilege;

CREATE FUNCTION pg_catalog.redshift_prefix() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT split_part(pg_catalog.physical_database()::text, '.', 1) $$;
CREATE FUNCTION pg_catalog.redshift_plain_role(oid) RETURNS text LANGUAGE sql STABLE
AS $$ SELECT coalesce((SELECT coalesce(shobj_description(r.oid, 'pg_authid'), r.rolname) FROM pg_catalog.pg_roles r WHERE r.oid = $1), 'rdsdb') $$;
CREATE FUNCTION pg_catalog.redshift_role_id(kind text, plain text) RETURNS oid LANGUAGE sql STABLE AS $$
    SELECT r.oid FROM pg_catalog.pg_roles r
    WHERE starts_with(r.rolname, redshift_prefix() || $1) AND shobj_description(r.oid, 'pg_authid') = $2 $$;
CREATE FUNCTION pg_catalog.redshift_is_superuser(oid) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT coalesce(pg_has_role($1, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = redshift_prefix() || '!superuser'), 'MEMBER'), false) $$;
CREATE FUNCTION pg_catalog.redshift_session_user_id() RETURNS oid LANGUAGE sql STABLE
AS $$ SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user $$;
CREATE FUNCTION pg_catalog.redshift_sees_all() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT redshift_is_superuser(redshift_session_user_id())
        OR coalesce(pg_has_role(session_user, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = redshift_prefix() || '!syslog'), 'MEMBER'), false) $$;
-- A superuser's session acts as the admin role; whoever signed in is still the user that SQL is told.
CREATE FUNCTION pg_catalog.redshift_current_user() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT redshift_plain_role(CASE WHEN redshift_is_superuser(r.oid) THEN redshift_session_user_id() ELSE r.oid END)
    FROM pg_catalog.pg_roles r WHERE r.rolname = current_user $$;
CREATE FUNCTION pg_catalog.redshift_session_user() RETURNS text LANGUAGE sql STABLE
AS $$ SELECT redshift_plain_role(redshift_session_user_id()) $$;
CREATE FUNCTION pg_catalog.current_user_id() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT redshift_session_user_id()::bigint $$;
CREATE FUNCTION pg_catalog.current_database() RETURNS name LANGUAGE sql STABLE
AS $$ SELECT shobj_description(oid, 'pg_database')::name FROM pg_catalog.pg_database WHERE datname = pg_catalog.physical_database() $$;
CREATE FUNCTION pg_catalog.pg_get_userbyid(oid) RETURNS name LANGUAGE sql STABLE AS $$ SELECT redshift_plain_role($1)::name $$;

CREATE FUNCTION pg_catalog.redshift_user_role(plain text) RETURNS name LANGUAGE plpgsql STABLE AS $$
DECLARE
    found name := (SELECT rolname FROM pg_catalog.pg_roles WHERE oid = redshift_role_id('.', plain));
BEGIN
    IF found IS NULL THEN
        RAISE EXCEPTION 'user "%" does not exist', plain USING ERRCODE = 'undefined_object';
    END IF;
    RETURN found;
END $$;
CREATE FUNCTION pg_catalog.has_table_privilege(name, text, text) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT physical_has_table_privilege(redshift_user_role($1::text), $2, $3) $$;
CREATE FUNCTION pg_catalog.has_schema_privilege(name, text, text) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT physical_has_schema_privilege(redshift_user_role($1::text), $2, $3) $$;
CREATE FUNCTION pg_catalog.redshift_physical_database(plain text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT datname::text FROM pg_catalog.pg_database
                     WHERE starts_with(datname, redshift_prefix() || '.') AND shobj_description(oid, 'pg_database') = $1), $1) $$;
CREATE FUNCTION pg_catalog.has_database_privilege(text, text) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT physical_has_database_privilege(redshift_physical_database($1), $2) $$;
CREATE FUNCTION pg_catalog.has_database_privilege(name, text, text) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT physical_has_database_privilege(redshift_user_role($1::text), redshift_physical_database($2), $3) $$;

-- May the session's user end that backend? Only one of the same warehouse; an ordinary user only his own.
CREATE FUNCTION pg_catalog.redshift_may_signal(integer) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
DECLARE
    owner name := (SELECT usename FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND starts_with(datname, redshift_prefix() || '.'));
BEGIN
    IF owner IS NULL THEN
        RAISE WARNING 'PID % is not a PostgreSQL server process', $1;
        RETURN false;
    ELSIF owner <> session_user AND NOT redshift_is_superuser(redshift_session_user_id()) THEN
        RAISE EXCEPTION 'must be superuser to signal other server processes' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN true;
END $$;
CREATE FUNCTION pg_catalog.pg_terminate_backend(integer) RETURNS boolean LANGUAGE sql SECURITY DEFINER
AS $$ SELECT CASE WHEN redshift_may_signal($1) THEN physical_terminate_backend($1, 0) ELSE false END $$;
CREATE FUNCTION pg_catalog.pg_cancel_backend(integer) RETURNS boolean LANGUAGE sql SECURITY DEFINER
AS $$ SELECT CASE WHEN redshift_may_signal($1) THEN physical_cancel_backend($1) ELSE false END $$;
REVOKE EXECUTE ON FUNCTION pg_catalog.physical_terminate_backend(integer, bigint), pg_catalog.physical_cancel_backend(integer) FROM PUBLIC;

DO $$
DECLARE
    v record;
    changed text;
BEGIN
    FOR v IN SELECT c.relnamespace::regnamespace AS schema, c.relname AS name, pg_get_viewdef(c.oid) AS text FROM pg_catalog.pg_class c
             WHERE c.relkind = 'v' AND c.relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) LOOP
        changed := replace(replace(v.text, 'physical_database()', 'current_database()'), 'physical_userbyid(', 'pg_get_userbyid(');
        IF changed <> v.text THEN
            EXECUTE format('CREATE OR REPLACE VIEW %s.%I AS %s', v.schema, v.name, changed);
        END IF;
    END LOOP;
END $$;

-- Table attributes ---------------------------------------------------------------------------------------------------

CREATE TABLE sandbox_private.table_attribute (
    relid oid PRIMARY KEY,
    diststyle text NOT NULL DEFAULT 'AUTO',
    distkey smallint,
    sortstyle text NOT NULL DEFAULT 'AUTO',
    sortkeys smallint[] NOT NULL DEFAULT '{}',
    backup boolean NOT NULL DEFAULT true,
    encodings jsonb NOT NULL DEFAULT '{}',
    create_time timestamp NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE sandbox_private.view_attribute (relid oid PRIMARY KEY, auto_refresh boolean NOT NULL);
-- Views without a schema binding, with the statement that made each: that is what the catalog gives as their definition.
CREATE TABLE sandbox_private.late_binding (relid oid PRIMARY KEY, statement text NOT NULL);

CREATE FUNCTION pg_catalog.redshift_own(rel regclass) RETURNS void LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
    IF NOT pg_has_role(session_user, (SELECT relowner FROM pg_catalog.pg_class WHERE oid = rel), 'MEMBER') THEN
        RAISE EXCEPTION 'must be owner of relation %', (SELECT relname FROM pg_catalog.pg_class WHERE oid = rel)
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;
CREATE FUNCTION pg_catalog.redshift_column_number(rel regclass, plain text) RETURNS smallint LANGUAGE plpgsql STABLE AS $$
DECLARE
    number smallint := (SELECT attnum FROM pg_catalog.pg_attribute WHERE attrelid = rel AND attname = plain AND attnum > 0 AND NOT attisdropped);
BEGIN
    IF number IS NULL THEN
        RAISE EXCEPTION 'column "%" does not exist', plain USING ERRCODE = 'undefined_column';
    END IF;
    RETURN number;
END $$;
-- `wanted` has any of: diststyle, distkey, sortstyle, sortkeys, backup, encodings (by column name); what it lacks stays.
CREATE FUNCTION pg_catalog.redshift_set_attributes(rel regclass, wanted jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM redshift_own(rel);
    INSERT INTO sandbox_private.table_attribute (relid) VALUES (rel) ON CONFLICT DO NOTHING;
    UPDATE sandbox_private.table_attribute SET
        diststyle = coalesce(wanted ->> 'diststyle', diststyle),
        distkey = CASE WHEN wanted ? 'distkey' THEN redshift_column_number(rel, wanted ->> 'distkey')
                       WHEN wanted ? 'diststyle' THEN NULL ELSE distkey END,
        sortstyle = coalesce(wanted ->> 'sortstyle', sortstyle),
        sortkeys = CASE WHEN wanted ? 'sortkeys'
                   THEN ARRAY(SELECT redshift_column_number(rel, k) FROM jsonb_array_elements_text(wanted -> 'sortkeys') WITH ORDINALITY e(k, n) ORDER BY n)
                   ELSE sortkeys END,
        backup = coalesce((wanted ->> 'backup')::boolean, backup),
        encodings = CASE WHEN wanted -> 'encodings' = 'null' THEN '{}' ELSE encodings || coalesce(
            (SELECT jsonb_object_agg(redshift_column_number(rel, key), lower(value)) FROM jsonb_each_text(wanted -> 'encodings')), '{}') END
    WHERE relid = rel;
END $$;
CREATE FUNCTION pg_catalog.redshift_copy_attributes(source regclass, rel regclass) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM redshift_own(rel);
    INSERT INTO sandbox_private.table_attribute (relid, diststyle, distkey, sortstyle, sortkeys, backup, encodings)
    SELECT rel, diststyle, distkey, sortstyle, sortkeys, backup, encodings FROM sandbox_private.table_attribute WHERE relid = source;
END $$;
CREATE FUNCTION pg_catalog.redshift_set_auto_refresh(rel regclass, wanted boolean) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM redshift_own(rel);
    INSERT INTO sandbox_private.view_attribute VALUES (rel, wanted) ON CONFLICT (relid) DO UPDATE SET auto_refresh = wanted;
END $$;
CREATE FUNCTION pg_catalog.redshift_set_late_binding(rel regclass, made_by text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM redshift_own(rel);
    DELETE FROM sandbox_private.late_binding WHERE relid = rel;
    INSERT INTO sandbox_private.late_binding SELECT rel, made_by WHERE made_by IS NOT NULL;
END $$;
CREATE FUNCTION pg_catalog.redshift_sort_columns(rel regclass) RETURNS text[] LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT ARRAY(SELECT quote_ident(a.attname) FROM sandbox_private.table_attribute t, unnest(t.sortkeys) WITH ORDINALITY s(k, n)
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = rel AND a.attnum = s.k WHERE t.relid = rel ORDER BY s.n) $$;
CREATE FUNCTION sandbox_private.forget_dropped() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    DELETE FROM sandbox_private.table_attribute WHERE relid IN (SELECT objid FROM pg_event_trigger_dropped_objects());
    DELETE FROM sandbox_private.late_binding WHERE relid IN (SELECT objid FROM pg_event_trigger_dropped_objects());
    DELETE FROM sandbox_private.view_attribute WHERE relid IN (SELECT objid FROM pg_event_trigger_dropped_objects());
END $$;
CREATE EVENT TRIGGER sandbox_forget_dropped ON sql_drop EXECUTE FUNCTION sandbox_private.forget_dropped();

-- Rows counted and measured, not estimated: small data, and a system view must tell the effect of what just ran.
CREATE FUNCTION sandbox_private.count_rows(rel regclass) RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
DECLARE total bigint; BEGIN EXECUTE format('SELECT count(*) FROM ONLY %s', rel) INTO total; RETURN total; END $$;
-- The share of rows that lie before a greater sort key, in percent.
CREATE FUNCTION sandbox_private.unsorted_percent(rel regclass) RETURNS numeric LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
DECLARE
    columns text[] := redshift_sort_columns(rel);
    answer numeric;
BEGIN
    IF cardinality(columns) = 0 THEN RETURN NULL; END IF;
    EXECUTE format('SELECT round(100.0 * count(*) FILTER (WHERE k < top) / nullif(count(*), 0), 2) FROM (SELECT k, max(k) OVER
        (ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS top FROM (SELECT %s AS k, ctid AS at FROM ONLY %s) r) s', columns[1], rel) INTO answer;
    RETURN coalesce(answer, 0);
END $$;
CREATE FUNCTION pg_catalog.redshift_type_name(oid, integer) RETURNS text LANGUAGE sql STABLE
AS $$ SELECT CASE $1 WHEN 'jsonb'::regtype THEN 'super' WHEN 'bytea'::regtype THEN 'binary varying' ELSE format_type($1, $2) END $$;
CREATE FUNCTION sandbox_private.default_encoding(oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN $1 IN ('bool'::regtype, 'float4'::regtype, 'float8'::regtype, 'jsonb'::regtype) THEN 'none'
                WHEN $1 IN ('varchar'::regtype, 'bpchar'::regtype, 'text'::regtype, 'bytea'::regtype) THEN 'lzo' ELSE 'az64' END $$;

CREATE VIEW sandbox_private.user_relation AS
    SELECT c.oid, c.relname, c.relkind, c.relowner, n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'sandbox_private', 'sandbox_shared') AND n.nspname NOT LIKE 'pg\_toast%';
CREATE VIEW sandbox_private.user_column AS
    SELECT r.oid, r.nspname, r.relname, r.relkind, a.attname, a.attnum, a.atttypid, a.atttypmod, a.attnotnull,
        redshift_type_name(a.atttypid, a.atttypmod) AS type,
        coalesce(t.encodings ->> a.attnum::text, CASE WHEN a.attnum = ANY (t.sortkeys) THEN 'none' ELSE sandbox_private.default_encoding(a.atttypid) END) AS encoding,
        a.attnum = coalesce(t.distkey, 0) AS distkey,
        coalesce(array_position(t.sortkeys, a.attnum), 0) AS sortkey,
        pg_get_expr(d.adbin, d.adrelid) AS column_default
    FROM sandbox_private.user_relation r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid
    LEFT JOIN sandbox_private.table_attribute t ON t.relid = r.oid
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relkind IN ('r', 'v', 'm', 'p');

CREATE VIEW pg_catalog.pg_table_def AS
    SELECT nspname AS schemaname, relname AS tablename, attname AS "column", type, encoding::varchar(32) AS encoding, distkey,
        CASE WHEN (SELECT sortstyle = 'INTERLEAVED' FROM sandbox_private.table_attribute t WHERE t.relid = c.oid) AND sortkey % 2 = 0 THEN -sortkey
             ELSE sortkey END AS sortkey, attnotnull AS "notnull"
    FROM sandbox_private.user_column c WHERE relkind = 'r' AND nspname = ANY (current_schemas(false));

-- Users and roles belong to the server, so a warehouse's superuser changes them through this door, and only those of his warehouse.
CREATE FUNCTION pg_catalog.redshift_administer(command text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    -- A name may hold a quote of a text, and a text one of a name: what opens first counts.
    bare text := regexp_replace(command, '("(?:[^"]|"")*")|''(?:[^'']|'''')*''', '\1', 'g');
    name text;
BEGIN
    IF NOT redshift_is_superuser(redshift_session_user_id()) THEN
        RAISE EXCEPTION 'must be superuser to change users, groups and roles' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF bare !~ '^((CREATE|ALTER|DROP|COMMENT ON) ROLE|GRANT|REVOKE) "' OR regexp_replace(bare, '"[^"]*"', '', 'g') ~* ';|\m(SUPERUSER|BYPASSRLS|REPLICATION)\M' THEN
        RAISE EXCEPTION 'not a command on roles';
    END IF;
    FOR name IN SELECT r.match[1] FROM regexp_matches(bare, '"((?:[^"]|"")*)"', 'g') r(match) LOOP
        IF NOT name ~ ('^' || redshift_prefix() || '[.@%!]') THEN
            RAISE EXCEPTION 'not a role of this warehouse';
        END IF;
    END LOOP;
    EXECUTE command;
END $$;
CREATE FUNCTION pg_catalog.pg_last_copy_count() RETURNS bigint LANGUAGE sql STABLE
AS $$ SELECT coalesce(nullif(current_setting('redshift.last_copy_count', true), ''), '0')::bigint $$;
