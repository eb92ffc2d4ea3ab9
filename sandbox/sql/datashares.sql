-- Datashares in a warehouse's database: what it gives to other warehouses, and what it reads of theirs. `datashares_control.sql` has the records.

CREATE EXTENSION dblink SCHEMA sandbox_private;
-- Foreign tables that show what other warehouses share, called `database.schema.relation`.
CREATE SCHEMA sandbox_shared;
GRANT USAGE ON SCHEMA sandbox_shared TO PUBLIC;
CREATE TABLE sandbox_private.include_new (share_name text, schema_id oid, PRIMARY KEY (share_name, schema_id));

CREATE FUNCTION pg_catalog.redshift_current_namespace() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
AS $$ SELECT id FROM sandbox_private.namespace WHERE warehouse = redshift_prefix() $$;
CREATE FUNCTION sandbox_private.share_role(warehouse text, share text) RETURNS name LANGUAGE sql IMMUTABLE
AS $$ SELECT (warehouse || '!share_' || md5(share))::name $$;
CREATE FUNCTION sandbox_private.holds(grantee bigint) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT grantee = 0 OR redshift_is_superuser(redshift_session_user_id()) OR pg_has_role(session_user, grantee::oid, 'USAGE') $$;

-- The producer's side ------------------------------------------------------------------------------------------------

CREATE FUNCTION sandbox_private.own_share(share text) RETURNS sandbox_private.datashare LANGUAGE plpgsql AS $$
DECLARE
    found sandbox_private.datashare;
BEGIN
    SELECT * INTO found FROM sandbox_private.datashare d WHERE d.warehouse = redshift_prefix() AND d.name = share;
    IF found IS NULL THEN
        RAISE EXCEPTION 'Datashare "%" does not exist', share USING ERRCODE = 'undefined_object';
    ELSIF NOT sandbox_private.holds(found.share_owner) THEN
        RAISE EXCEPTION 'must be owner of datashare %', share USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN found;
END $$;
-- The same, for what is changed in the share's own database only.
CREATE FUNCTION sandbox_private.share_here(share text) RETURNS sandbox_private.datashare LANGUAGE plpgsql AS $$
DECLARE
    found sandbox_private.datashare := sandbox_private.own_share(share);
BEGIN
    IF found.physical_database <> physical_database()::text THEN
        RAISE EXCEPTION 'Datashare "%" does not belong to the current database', share USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN found;
END $$;
CREATE FUNCTION pg_catalog.redshift_create_datashare(share text, public_accessible boolean) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    role name := sandbox_private.share_role(redshift_prefix(), share);
    owner oid := (SELECT datdba FROM pg_database WHERE datname = physical_database());
BEGIN
    IF NOT (redshift_is_superuser(redshift_session_user_id()) OR pg_has_role(session_user, owner, 'USAGE')) THEN
        RAISE EXCEPTION 'permission denied to create datashare' USING ERRCODE = 'insufficient_privilege';
    ELSIF EXISTS (SELECT FROM sandbox_private.datashare WHERE warehouse = redshift_prefix() AND name = share) THEN
        RAISE EXCEPTION 'Datashare "%" already exists', share USING ERRCODE = 'duplicate_object';
    END IF;
    EXECUTE format('CREATE ROLE %I', role);
    INSERT INTO sandbox_private.datashare VALUES (
        (SELECT oid::bigint FROM pg_roles WHERE rolname = role), redshift_prefix(), share, physical_database(), current_database(),
        redshift_session_user_id()::bigint, public_accessible, clock_timestamp()::timestamp);
END $$;
CREATE FUNCTION pg_catalog.redshift_drop_datashare(share text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    found sandbox_private.datashare := sandbox_private.share_here(share);
    role name := sandbox_private.share_role(redshift_prefix(), share);
BEGIN
    EXECUTE format('DROP OWNED BY %I', role);
    EXECUTE format('DROP ROLE %I', role);
    DELETE FROM sandbox_private.datashare_consumer WHERE share_id = found.share_id;
    DELETE FROM sandbox_private.datashare WHERE share_id = found.share_id;
    DELETE FROM sandbox_private.include_new WHERE share_name = share;
END $$;
CREATE FUNCTION pg_catalog.redshift_set_public_accessible(share text, wanted boolean) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    found sandbox_private.datashare := sandbox_private.share_here(share);
BEGIN
    UPDATE sandbox_private.datashare SET is_publicaccessible = wanted WHERE share_id = found.share_id;
END $$;

CREATE VIEW sandbox_private.shared_schema AS
    SELECT d.name AS share_name, d.share_id, n.oid, n.nspname
    FROM sandbox_private.datashare d JOIN pg_namespace n ON true CROSS JOIN LATERAL aclexplode(n.nspacl) p
    WHERE d.physical_database = physical_database()::text AND p.grantee = d.share_id;
CREATE VIEW sandbox_private.shared_relation AS
    SELECT d.name AS share_name, d.share_id, c.oid, n.nspname, c.relname, c.relkind
    FROM sandbox_private.datashare d JOIN pg_class c ON c.relkind IN ('r', 'v', 'm', 'p') JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL aclexplode(c.relacl) p
    WHERE d.physical_database = physical_database()::text AND p.grantee = d.share_id AND p.privilege_type = 'SELECT';

CREATE FUNCTION pg_catalog.redshift_share_schema(share text, schema text, adding boolean) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    found sandbox_private.datashare := sandbox_private.share_here(share);
    id oid := (SELECT n.oid FROM pg_namespace n WHERE n.nspname = schema);
    role name := sandbox_private.share_role(redshift_prefix(), share);
    there boolean := EXISTS (SELECT FROM sandbox_private.shared_schema s WHERE s.share_id = found.share_id AND s.nspname = schema);
BEGIN
    IF id IS NULL THEN
        RAISE EXCEPTION 'schema "%" does not exist', schema USING ERRCODE = 'invalid_schema_name';
    ELSIF adding AND there THEN
        RAISE EXCEPTION 'Schema "%" is already in datashare "%"', schema, share USING ERRCODE = 'duplicate_schema';
    ELSIF NOT adding AND NOT there THEN
        RAISE EXCEPTION 'Datashare "%" does not contain schema "%"', share, schema USING ERRCODE = 'invalid_schema_name';
    ELSIF NOT adding AND EXISTS (SELECT FROM sandbox_private.shared_relation r WHERE r.share_id = found.share_id AND r.nspname = schema) THEN
        RAISE EXCEPTION 'Schema "%" cannot be removed from datashare "%" while objects in it are shared', schema, share USING ERRCODE = 'dependent_objects_still_exist';
    END IF;
    IF adding THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', schema, role);
    ELSE
        EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM %I', schema, role);
        DELETE FROM sandbox_private.include_new i WHERE i.share_name = share AND i.schema_id = id;
    END IF;
END $$;
CREATE FUNCTION sandbox_private.check_schema_is_shared(share text, schema text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM sandbox_private.shared_schema s WHERE s.share_name = share AND s.nspname = schema) THEN
        RAISE EXCEPTION 'Datashare "%" does not contain schema "%"; add it first', share, schema USING ERRCODE = 'invalid_schema_name';
    END IF;
END $$;
CREATE FUNCTION pg_catalog.redshift_share_relation(share text, schema text, relation text, adding boolean) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    found sandbox_private.datashare := sandbox_private.share_here(share);
    rel oid := (SELECT r.oid FROM sandbox_private.user_relation r WHERE r.nspname = schema AND r.relname = relation AND r.relkind IN ('r', 'v', 'm', 'p'));
    role name := sandbox_private.share_role(redshift_prefix(), share);
    there boolean;
BEGIN
    PERFORM sandbox_private.check_schema_is_shared(share, schema);
    IF rel IS NULL THEN
        RAISE EXCEPTION 'relation "%.%" does not exist', schema, relation USING ERRCODE = 'undefined_table';
    ELSIF NOT has_table_privilege(session_user, rel, 'SELECT') AND NOT redshift_is_superuser(redshift_session_user_id()) THEN
        RAISE EXCEPTION 'permission denied for relation %', relation USING ERRCODE = 'insufficient_privilege';
    END IF;
    there := EXISTS (SELECT FROM sandbox_private.shared_relation r WHERE r.share_id = found.share_id AND r.oid = rel);
    IF adding AND there THEN
        RAISE EXCEPTION 'Relation "%.%" is already in datashare "%"', schema, relation, share USING ERRCODE = 'duplicate_object';
    ELSIF NOT adding AND NOT there THEN
        RAISE EXCEPTION 'Datashare "%" does not contain relation "%.%"', share, schema, relation USING ERRCODE = 'undefined_object';
    END IF;
    EXECUTE format(CASE WHEN adding THEN 'GRANT SELECT ON %s TO %I' ELSE 'REVOKE SELECT ON %s FROM %I' END, rel::regclass, role);
END $$;
CREATE FUNCTION pg_catalog.redshift_share_all(share text, schema text, adding boolean) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    found sandbox_private.datashare := sandbox_private.share_here(share);
    one name;
BEGIN
    PERFORM sandbox_private.check_schema_is_shared(share, schema);
    FOR one IN SELECT r.relname FROM sandbox_private.user_relation r WHERE r.nspname = schema AND r.relkind IN ('r', 'v', 'm', 'p')
                 AND adding <> EXISTS (SELECT FROM sandbox_private.shared_relation s WHERE s.share_id = found.share_id AND s.oid = r.oid) LOOP
        PERFORM redshift_share_relation(share, schema, one::text, adding);
    END LOOP;
END $$;
CREATE FUNCTION pg_catalog.redshift_set_include_new(share text, schema text, wanted boolean) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    found sandbox_private.datashare := sandbox_private.share_here(share);
    id oid := (SELECT n.oid FROM pg_namespace n WHERE n.nspname = schema);
BEGIN
    IF NOT redshift_is_superuser(redshift_session_user_id()) THEN
        RAISE EXCEPTION 'must be superuser to set INCLUDENEW' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM sandbox_private.check_schema_is_shared(share, schema);
    DELETE FROM sandbox_private.include_new i WHERE i.share_name = share AND i.schema_id = id;
    IF wanted THEN
        INSERT INTO sandbox_private.include_new VALUES (share, id);
    END IF;
END $$;
CREATE FUNCTION sandbox_private.share_new_relations() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    made record;
BEGIN
    FOR made IN SELECT c.oid::regclass AS relation, i.share_name FROM pg_event_trigger_ddl_commands() e JOIN pg_class c ON c.oid = e.objid AND e.classid = 'pg_class'::regclass
                JOIN sandbox_private.include_new i ON i.schema_id = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'p') LOOP
        EXECUTE format('GRANT SELECT ON %s TO %I', made.relation, sandbox_private.share_role(redshift_prefix(), made.share_name));
    END LOOP;
END $$;
CREATE EVENT TRIGGER sandbox_share_new_relations ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE VIEW', 'CREATE MATERIALIZED VIEW') EXECUTE FUNCTION sandbox_private.share_new_relations();

-- What a consumer may read changes with its row in `datashare_consumer`: its role gets or loses the role of the share.
CREATE FUNCTION sandbox_private.let_read(share_id bigint, consumer_namespace text, allowed boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    role name := (SELECT rolname FROM pg_roles WHERE oid = share_id::oid);
    reader text := (SELECT n.warehouse FROM sandbox_private.namespace n WHERE n.id = consumer_namespace);
BEGIN
    IF reader IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format(CASE WHEN allowed THEN 'GRANT %I TO %I' ELSE 'REVOKE %I FROM %I' END, role, reader || '!consumer');
END $$;
-- GRANT and REVOKE USAGE ON DATASHARE: either an account or a namespace, the other one is empty.
CREATE FUNCTION pg_catalog.redshift_share_usage(share text, account text, consumer text, catalog boolean, allowed boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    found sandbox_private.datashare := sandbox_private.own_share(share);
    gone record;
    moment timestamp := clock_timestamp()::timestamp;
BEGIN
    IF consumer = redshift_current_namespace() THEN
        RAISE EXCEPTION 'A datashare cannot be shared with the namespace that it belongs to' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT allowed THEN
        FOR gone IN SELECT c.namespace FROM sandbox_private.datashare_consumer c
                    WHERE c.share_id = found.share_id AND (c.namespace = consumer OR consumer = '' AND c.account = redshift_share_usage.account) LOOP
            PERFORM sandbox_private.let_read(found.share_id, gone.namespace, false);
        END LOOP;
        DELETE FROM sandbox_private.datashare_consumer c WHERE c.share_id = found.share_id
            AND (c.namespace = consumer AND consumer <> '' OR consumer = '' AND c.account = redshift_share_usage.account AND c.via_data_catalog = catalog);
    ELSIF NOT EXISTS (SELECT FROM sandbox_private.datashare_consumer c WHERE c.share_id = found.share_id AND c.via_data_catalog = catalog
                      AND (consumer <> '' AND c.namespace = consumer OR consumer = '' AND c.account = redshift_share_usage.account)) THEN
        INSERT INTO sandbox_private.datashare_consumer VALUES (
            found.share_id, account, consumer, catalog, CASE WHEN consumer = '' THEN 'PENDING_AUTHORIZATION' ELSE 'ACTIVE' END, moment, moment);
        PERFORM sandbox_private.let_read(found.share_id, consumer, true) WHERE consumer <> '';
    END IF;
END $$;

-- The consumer's side ------------------------------------------------------------------------------------------------

-- Whether this warehouse may read that share: its namespace has usage, or its account was associated.
CREATE FUNCTION sandbox_private.may_consume(id bigint) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT EXISTS (SELECT FROM sandbox_private.datashare_consumer c WHERE c.share_id = id AND c.status = 'ACTIVE' AND c.namespace = redshift_current_namespace()) $$;
CREATE FUNCTION pg_catalog.redshift_create_shared_database(database text, share text, producer text, permissions boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    found sandbox_private.datashare;
BEGIN
    IF NOT (redshift_is_superuser(redshift_session_user_id()) OR (SELECT rolcreatedb FROM pg_roles WHERE rolname = session_user)) THEN
        RAISE EXCEPTION 'permission denied to create database' USING ERRCODE = 'insufficient_privilege';
    ELSIF EXISTS (SELECT FROM redshift_databases WHERE datname = database)
        OR EXISTS (SELECT FROM sandbox_private.shared_database WHERE warehouse = redshift_prefix() AND name = database) THEN
        RAISE EXCEPTION 'database "%" already exists', database USING ERRCODE = 'duplicate_database';
    END IF;
    SELECT d.* INTO found FROM sandbox_private.datashare d JOIN sandbox_private.namespace n ON n.warehouse = d.warehouse AND n.id = producer WHERE d.name = share;
    IF found IS NULL OR NOT sandbox_private.may_consume(found.share_id) THEN
        RAISE EXCEPTION 'Datashare "%" of namespace % does not exist or is not shared with this namespace', share, producer USING ERRCODE = 'undefined_object';
    END IF;
    INSERT INTO sandbox_private.shared_database VALUES (
        redshift_prefix(), database, found.share_id, share, producer, redshift_session_user_id()::bigint, permissions);
END $$;
CREATE FUNCTION pg_catalog.redshift_is_shared_database(database text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
AS $$ SELECT EXISTS (SELECT FROM sandbox_private.shared_database WHERE warehouse = redshift_prefix() AND name = database) $$;
-- Views that read it stay, and find nothing any more.
CREATE FUNCTION pg_catalog.redshift_drop_shared_database(database text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    one record;
    owner bigint := (SELECT database_owner FROM sandbox_private.shared_database WHERE warehouse = redshift_prefix() AND name = database);
BEGIN
    IF NOT sandbox_private.holds(owner) THEN
        RAISE EXCEPTION 'must be owner of database %', database USING ERRCODE = 'insufficient_privilege';
    END IF;
    FOR one IN SELECT c.oid::regclass AS relation FROM pg_class c WHERE c.relnamespace = 'sandbox_shared'::regnamespace
               AND obj_description(c.oid, 'pg_class') = database LOOP
        EXECUTE format('ALTER FOREIGN TABLE %s OPTIONS (SET schema_name %L)', one.relation, database || ' (dropped)');
    END LOOP;
    DELETE FROM sandbox_private.shared_grant WHERE warehouse = redshift_prefix() AND database_name = database;
    DELETE FROM sandbox_private.shared_database WHERE warehouse = redshift_prefix() AND name = database;
END $$;

-- The columns of a shared relation as its own database has them, and what policy keeps consumers from it: nothing when it is not in the share.
CREATE FUNCTION sandbox_private.shared_columns(physical text, share_id bigint, schema text, relation text) RETURNS TABLE (name text, type text, protection text) LANGUAGE sql AS $$
    SELECT * FROM sandbox_private.dblink(
        format('host=%L port={port} dbname=%L user={superuser}', '{host}', physical),
        format('SELECT a.attname, format_type(a.atttypid, a.atttypmod), redshift_datashare_protection(c.oid) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %L AND c.relname = %L AND a.attnum > 0 AND NOT a.attisdropped
                AND has_table_privilege(%s::oid, c.oid, ''SELECT'') AND has_schema_privilege(%s::oid, n.oid, ''USAGE'') ORDER BY a.attnum',
               schema, relation, share_id, share_id)) AS t(name text, type text, protection text) $$;
-- The name, quoted, of the foreign table that shows a relation of a shared database, made what the producer has now. Raises what Redshift raises for
-- one that is not there or not permitted.
CREATE FUNCTION pg_catalog.redshift_shared_relation(database text, schema text, relation text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    here sandbox_private.shared_database;
    share sandbox_private.datashare;
    label text := format('%s.%s.%s', database, schema, relation);
    shown text := format('sandbox_shared.%I', CASE WHEN octet_length(label) <= 63 THEN label ELSE md5(label) END);
    server text;
    columns text[];
    protection text;
    present text[];
    one text;
BEGIN
    SELECT * INTO here FROM sandbox_private.shared_database d WHERE d.warehouse = redshift_prefix() AND d.name = database;
    IF NOT sandbox_private.has_usage(database, '') THEN
        RAISE EXCEPTION 'permission denied for database %', database USING ERRCODE = 'insufficient_privilege';
    ELSIF here.with_permissions AND NOT sandbox_private.has_usage(database, schema) THEN
        RAISE EXCEPTION 'permission denied for schema %.%', database, schema USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT * INTO share FROM sandbox_private.datashare d WHERE d.share_id = here.share_id;
    IF share IS NOT NULL AND sandbox_private.may_consume(share.share_id) THEN
        SELECT array_agg(format('%I %s', c.name, c.type)), max(c.protection) INTO columns, protection
        FROM sandbox_private.shared_columns(share.physical_database, share.share_id, schema, relation) c;
    END IF;
    IF coalesce(cardinality(columns), 0) = 0 THEN
        RAISE EXCEPTION 'relation "%" does not exist', label USING ERRCODE = 'undefined_table';
    ELSIF protection IS NOT NULL THEN
        RAISE EXCEPTION '%-protected relation "%" cannot be accessed via datasharing query', upper(protection), relation USING ERRCODE = 'insufficient_privilege';
    END IF;
    server := 'share_' || md5(share.physical_database || redshift_prefix());
    IF to_regclass(shown) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('sandbox_shared'));
    END IF;
    IF NOT EXISTS (SELECT FROM pg_foreign_server WHERE srvname = server) THEN
        EXECUTE format('CREATE SERVER %I FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L, keep_connections %L)',
            server, '{host}', '{port}', share.physical_database, 'off');
        EXECUTE format('CREATE USER MAPPING FOR PUBLIC SERVER %I OPTIONS (user %L, password_required %L)', server, redshift_prefix() || '!consumer', 'false');
    END IF;
    IF to_regclass(shown) IS NULL THEN
        EXECUTE format('CREATE FOREIGN TABLE %s (%s) SERVER %I OPTIONS (schema_name %L, table_name %L)', shown, array_to_string(columns, ', '), server, schema, relation);
        EXECUTE format('COMMENT ON FOREIGN TABLE %s IS %L', shown, database);
    ELSIF NOT EXISTS (SELECT FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
                      WHERE f.ftrelid = shown::regclass AND s.srvname = server AND f.ftoptions @> ARRAY['schema_name=' || schema]) THEN
        -- left by a database of the same name that was dropped
        UPDATE pg_foreign_table SET ftserver = (SELECT oid FROM pg_foreign_server WHERE srvname = server) WHERE ftrelid = shown::regclass;
        EXECUTE format('ALTER FOREIGN TABLE %s OPTIONS (SET schema_name %L)', shown, schema);
    END IF;
    present := ARRAY(SELECT format('%I %s', attname, format_type(atttypid, atttypmod)) FROM pg_attribute WHERE attrelid = shown::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum);
    IF present <> columns THEN
        FOREACH one IN ARRAY present LOOP
            IF one <> ALL (columns) THEN
                EXECUTE format('ALTER FOREIGN TABLE %s DROP COLUMN %s', shown, (SELECT quote_ident(attname) FROM pg_attribute
                    WHERE attrelid = shown::regclass AND attnum > 0 AND NOT attisdropped AND format('%I %s', attname, format_type(atttypid, atttypmod)) = one));
            END IF;
        END LOOP;
        FOREACH one IN ARRAY columns LOOP
            IF one <> ALL (present) THEN
                EXECUTE format('ALTER FOREIGN TABLE %s ADD COLUMN %s', shown, one);
            END IF;
        END LOOP;
    END IF;
    PERFORM sandbox_private.set_readers(shown::regclass, here, schema, relation);
    RETURN shown;
END $$;
CREATE FUNCTION sandbox_private.has_usage(database text, schema text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT redshift_is_superuser(redshift_session_user_id()) OR EXISTS (
        SELECT FROM sandbox_private.shared_grant g WHERE g.warehouse = redshift_prefix() AND g.database_name = database AND g.schema_name = schema
        AND g.relation_name = '' AND sandbox_private.holds(g.grantee)) $$;
-- Who may read a foreign table, also through a view of his: those with usage on the database or, where it has permissions, those with SELECT on the relation.
CREATE FUNCTION sandbox_private.set_readers(shown regclass, here sandbox_private.shared_database, schema text, relation text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    wanted text[] := ARRAY(
        SELECT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END FROM sandbox_private.shared_grant g
        LEFT JOIN pg_roles r ON r.oid = g.grantee::oid WHERE g.warehouse = here.warehouse AND g.database_name = here.name
        AND g.schema_name = CASE WHEN here.with_permissions THEN schema ELSE '' END
        AND g.relation_name = CASE WHEN here.with_permissions THEN relation ELSE '' END AND (g.grantee = 0 OR r.rolname IS NOT NULL))
        || quote_ident(redshift_prefix() || '!superuser');
    present text[] := ARRAY(
        SELECT CASE p.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) p
        LEFT JOIN pg_roles r ON r.oid = p.grantee WHERE c.oid = shown AND p.grantee <> c.relowner);
    one text;
BEGIN
    FOREACH one IN ARRAY present LOOP
        IF one <> ALL (wanted) THEN EXECUTE format('REVOKE ALL ON %s FROM %s', shown, one); END IF;
    END LOOP;
    FOREACH one IN ARRAY wanted LOOP
        IF one <> ALL (present) THEN EXECUTE format('GRANT SELECT ON %s TO %s', shown, one); END IF;
    END LOOP;
END $$;
-- GRANT and REVOKE on a shared database: USAGE on it or on a schema, SELECT on a relation or on all of a schema (`relation` is '*'). `role` is empty for PUBLIC.
CREATE FUNCTION pg_catalog.redshift_grant_shared(database text, schema text, relation text, role text, allowed boolean) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    here sandbox_private.shared_database;
    receiver bigint := coalesce((SELECT oid FROM pg_roles WHERE rolname = role), 0)::bigint;
    share sandbox_private.datashare;
    names text[] := ARRAY[relation];
    one text;
BEGIN
    SELECT * INTO here FROM sandbox_private.shared_database d WHERE d.warehouse = redshift_prefix() AND d.name = database;
    IF NOT sandbox_private.holds(here.database_owner) THEN
        RAISE EXCEPTION 'permission denied for database %', database USING ERRCODE = 'insufficient_privilege';
    ELSIF schema <> '' AND NOT here.with_permissions THEN
        RAISE EXCEPTION 'database % was created without WITH PERMISSIONS: permissions are granted on the whole database only', database USING ERRCODE = 'feature_not_supported';
    END IF;
    SELECT * INTO share FROM sandbox_private.datashare d WHERE d.share_id = here.share_id;
    IF relation = '*' THEN
        names := ARRAY(SELECT t.name FROM sandbox_private.dblink(
            format('host=%L port={port} dbname=%L user={superuser}', '{host}', share.physical_database),
            format('SELECT relname FROM sandbox_private.shared_relation WHERE share_id = %s AND nspname = %L', share.share_id, schema)) AS t(name text));
    ELSIF relation <> '' AND NOT EXISTS (SELECT FROM sandbox_private.shared_columns(share.physical_database, share.share_id, schema, relation)) THEN
        RAISE EXCEPTION 'relation "%.%.%" does not exist', database, schema, relation USING ERRCODE = 'undefined_table';
    END IF;
    FOREACH one IN ARRAY names LOOP
        DELETE FROM sandbox_private.shared_grant g WHERE g.warehouse = redshift_prefix() AND g.database_name = database AND g.schema_name = schema
            AND g.relation_name = one AND g.grantee = receiver;
        IF allowed THEN
            INSERT INTO sandbox_private.shared_grant VALUES (redshift_prefix(), database, schema, one, receiver);
        END IF;
    END LOOP;
    PERFORM sandbox_private.set_readers(f.ftrelid::regclass, here,
        (SELECT option_value FROM pg_options_to_table(f.ftoptions) WHERE option_name = 'schema_name'),
        (SELECT option_value FROM pg_options_to_table(f.ftoptions) WHERE option_name = 'table_name'))
    FROM pg_foreign_table f WHERE obj_description(f.ftrelid, 'pg_class') = database;
END $$;

-- Views --------------------------------------------------------------------------------------------------------------

CREATE FUNCTION sandbox_private.sees_share(owner bigint) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT redshift_is_superuser(redshift_session_user_id()) OR owner = redshift_session_user_id()::bigint $$;
CREATE VIEW pg_catalog.svv_datashares AS
    SELECT d.name AS share_name, d.share_id::integer AS share_id, d.share_owner::integer AS share_owner, d.source_database, NULL::text AS consumer_database,
        'OUTBOUND'::text AS share_type, d.createdate, d.is_publicaccessible, NULL::text AS share_acl, '000000000000'::text AS producer_account,
        redshift_current_namespace() AS producer_namespace, NULL::text AS managed_by
    FROM sandbox_private.datashare d WHERE d.warehouse = (SELECT redshift_prefix()) AND sandbox_private.sees_share(d.share_owner)
    UNION ALL
    SELECT d.name, NULL, NULL, NULL, s.name, 'INBOUND', NULL, d.is_publicaccessible, NULL, '000000000000', n.id, NULL
    FROM sandbox_private.datashare d JOIN sandbox_private.namespace n ON n.warehouse = d.warehouse
    LEFT JOIN sandbox_private.shared_database s ON s.share_id = d.share_id AND s.warehouse = (SELECT redshift_prefix())
    WHERE sandbox_private.may_consume(d.share_id) AND redshift_is_superuser(redshift_session_user_id());
-- What others let this warehouse read, as their databases say.
CREATE FUNCTION sandbox_private.inbound_objects() RETURNS TABLE (share_name text, object_type text, object_name text, producer text) LANGUAGE sql SECURITY DEFINER AS $$
    SELECT d.name, t.kind, t.name, n.id FROM sandbox_private.datashare d JOIN sandbox_private.namespace n ON n.warehouse = d.warehouse
    CROSS JOIN LATERAL sandbox_private.dblink(
        format('host=%L port={port} dbname=%L user={superuser}', '{host}', d.physical_database),
        format('SELECT object_type, object_name FROM sandbox_private.own_object WHERE share_id = %s', d.share_id)) AS t(kind text, name text)
    WHERE sandbox_private.may_consume(d.share_id) $$;
CREATE VIEW sandbox_private.own_object AS
    SELECT share_id, 'schema'::text AS object_type, nspname::text AS object_name FROM sandbox_private.shared_schema
    UNION ALL
    SELECT share_id, CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END, nspname || '.' || relname FROM sandbox_private.shared_relation;
CREATE VIEW pg_catalog.svv_datashare_objects AS
    SELECT 'OUTBOUND'::text AS share_type, s.share_name, 'schema'::text AS object_type, s.nspname::text AS object_name, '000000000000'::text AS producer_account,
        redshift_current_namespace() AS producer_namespace, EXISTS (SELECT FROM sandbox_private.include_new i WHERE i.share_name = s.share_name AND i.schema_id = s.oid) AS include_new
    FROM sandbox_private.shared_schema s WHERE redshift_sees_all()
    UNION ALL
    SELECT 'OUTBOUND', r.share_name, CASE r.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END, r.nspname || '.' || r.relname,
        '000000000000', redshift_current_namespace(), NULL
    FROM sandbox_private.shared_relation r WHERE redshift_sees_all()
    UNION ALL
    SELECT 'INBOUND', i.share_name, i.object_type, i.object_name, '000000000000', i.producer, NULL FROM sandbox_private.inbound_objects() i WHERE redshift_sees_all();
CREATE VIEW pg_catalog.svv_datashare_consumers AS
    SELECT d.name AS share_name, nullif(c.account, '') AS consumer_account, nullif(c.namespace, '') AS consumer_namespace, c.share_date
    FROM sandbox_private.datashare d JOIN sandbox_private.datashare_consumer c ON c.share_id = d.share_id
    WHERE d.warehouse = (SELECT redshift_prefix()) AND sandbox_private.sees_share(d.share_owner)
        AND (c.account = '' OR c.namespace = '');
CREATE OR REPLACE VIEW pg_catalog.svv_redshift_databases AS
    SELECT datname::text AS database_name, datdba::bigint AS database_owner, 'local'::text AS database_type, datacl::text AS database_acl,
        NULL::text AS database_options, 'Snapshot Isolation'::text AS database_isolation_level FROM pg_catalog.redshift_databases
    UNION ALL
    SELECT name, database_owner, 'shared', NULL, NULL, NULL FROM sandbox_private.shared_database WHERE warehouse = (SELECT redshift_prefix());
GRANT SELECT ON pg_catalog.svv_datashares, pg_catalog.svv_datashare_objects, pg_catalog.svv_datashare_consumers TO PUBLIC;
