-- Zero-ETL databases in a warehouse's database. `zero_etl_control.sql` has the records; what lies in the source is looked at by `zero_etl.py`.

-- `seen` has id, source_arn and status of each integration into this warehouse.
CREATE FUNCTION pg_catalog.redshift_see_integrations(seen jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    DELETE FROM sandbox_private.integration WHERE warehouse = redshift_prefix();
    INSERT INTO sandbox_private.integration SELECT redshift_prefix(), s.id, s.source_arn, s.status FROM jsonb_to_recordset(seen) s(id text, source_arn text, status text);
END $$;
CREATE FUNCTION pg_catalog.redshift_see_integration_table(database text, relation text, state text, why text, row_count bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    DELETE FROM sandbox_private.integration_table t WHERE t.warehouse = redshift_prefix() AND t.database_name = database AND t.table_name = relation;
    INSERT INTO sandbox_private.integration_table VALUES (redshift_prefix(), database, relation, state, why, row_count, clock_timestamp()::timestamp);
END $$;
CREATE FUNCTION pg_catalog.redshift_create_integration_database(database text, integration text, source text, settings text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    state text := (SELECT i.status FROM sandbox_private.integration i WHERE i.warehouse = redshift_prefix() AND i.id = integration);
BEGIN
    IF NOT redshift_is_superuser(redshift_session_user_id()) THEN
        RAISE EXCEPTION 'permission denied to create database' USING ERRCODE = 'insufficient_privilege';
    ELSIF EXISTS (SELECT FROM svv_redshift_databases WHERE database_name = database) THEN
        RAISE EXCEPTION 'database "%" already exists', database USING ERRCODE = 'duplicate_database';
    ELSIF state IS NULL THEN
        RAISE EXCEPTION 'integration % does not exist', integration USING ERRCODE = 'undefined_object';
    ELSIF state NOT IN ('active', 'syncing', 'needs_attention') THEN
        RAISE EXCEPTION 'integration % is %, not active', integration, state USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF EXISTS (SELECT FROM sandbox_private.integration_database d WHERE d.warehouse = redshift_prefix() AND d.integration_id = integration AND d.source_database = source) THEN
        RAISE EXCEPTION 'integration % already has a database', integration USING ERRCODE = 'duplicate_object';
    END IF;
    INSERT INTO sandbox_private.integration_database VALUES (
        redshift_prefix(), database, integration, source, redshift_session_user_id()::bigint, settings, clock_timestamp()::timestamp);
END $$;
CREATE FUNCTION pg_catalog.redshift_integration_database(database text) RETURNS TABLE (integration_id text, source_arn text, status text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT d.integration_id, i.source_arn, i.status FROM sandbox_private.integration_database d
    LEFT JOIN sandbox_private.integration i ON i.warehouse = d.warehouse AND i.id = d.integration_id
    WHERE d.warehouse = redshift_prefix() AND d.name = database $$;
CREATE FUNCTION pg_catalog.redshift_integration_databases() RETURNS TABLE (name text, source_arn text) LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT d.name, i.source_arn FROM sandbox_private.integration_database d
    JOIN sandbox_private.integration i ON i.warehouse = d.warehouse AND i.id = d.integration_id WHERE d.warehouse = redshift_prefix() $$;
CREATE FUNCTION pg_catalog.redshift_own_integration_database(database text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF NOT redshift_is_superuser(redshift_session_user_id()) THEN
        RAISE EXCEPTION 'permission denied for database %', database USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;
CREATE FUNCTION pg_catalog.redshift_set_integration_database(database text, wanted text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM redshift_own_integration_database(database);
    UPDATE sandbox_private.integration_database SET settings = wanted WHERE warehouse = redshift_prefix() AND name = database;
END $$;
CREATE FUNCTION pg_catalog.redshift_refresh_integration_tables(database text, all_tables boolean) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM redshift_own_integration_database(database);
    UPDATE sandbox_private.integration_table SET table_state = 'ResyncInitiated', reason = '', updated = clock_timestamp()::timestamp
    WHERE warehouse = redshift_prefix() AND database_name = database AND (all_tables OR table_state = 'Failed');
END $$;
CREATE FUNCTION pg_catalog.redshift_drop_integration_database(database text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM redshift_own_integration_database(database);
    DELETE FROM sandbox_private.integration_table WHERE warehouse = redshift_prefix() AND database_name = database;
    DELETE FROM sandbox_private.integration_database WHERE warehouse = redshift_prefix() AND name = database;
END $$;

CREATE VIEW pg_catalog.svv_integration AS
    SELECT i.id AS integration_id, coalesce(d.name, '') AS target_database,
        CASE WHEN i.source_arn LIKE '%:dynamodb:%' THEN 'DynamoDB' ELSE 'MySQL' END AS source,
        CASE WHEN i.status = 'failed' THEN 'ErrorState' WHEN d.name IS NULL THEN 'PendingDbConnectState' ELSE 'CdcRefreshState' END AS state,
        0::bigint AS current_lag, ''::text AS last_replicated_checkpoint,
        (SELECT count(*)::integer FROM sandbox_private.integration_table t WHERE t.warehouse = d.warehouse AND t.database_name = d.name AND t.table_state = 'Synced') AS total_tables_replicated,
        (SELECT count(*)::integer FROM sandbox_private.integration_table t WHERE t.warehouse = d.warehouse AND t.database_name = d.name AND t.table_state = 'Failed') AS total_tables_failed,
        d.created AS creation_time, coalesce(substring(d.settings FROM 'REFRESH_INTERVAL (\d+)')::integer, 0) AS refresh_interval, d.source_database,
        coalesce(d.settings LIKE '%HISTORY_MODE = TRUE%', false) AS is_history_mode
    FROM sandbox_private.integration i
    LEFT JOIN sandbox_private.integration_database d ON d.warehouse = i.warehouse AND d.integration_id = i.id
    WHERE i.warehouse = (SELECT redshift_prefix()) AND redshift_is_superuser(redshift_session_user_id());
CREATE VIEW pg_catalog.svv_integration_table_state AS
    SELECT d.integration_id, d.name AS target_database, 'public'::text AS schema_name, t.table_name, t.table_state, ''::text AS table_last_replicated_checkpoint,
        t.reason, t.updated AS last_updated_timestamp, t.table_rows, 0::bigint AS table_size, d.settings LIKE '%HISTORY_MODE = TRUE%' AS is_history_mode
    FROM sandbox_private.integration_table t JOIN sandbox_private.integration_database d ON d.warehouse = t.warehouse AND d.name = t.database_name
    WHERE t.warehouse = (SELECT redshift_prefix()) AND redshift_is_superuser(redshift_session_user_id());
CREATE OR REPLACE VIEW pg_catalog.svv_redshift_databases AS
    SELECT datname::text AS database_name, datdba::bigint AS database_owner, 'local'::text AS database_type, datacl::text AS database_acl,
        NULL::text AS database_options, 'Snapshot Isolation'::text AS database_isolation_level FROM pg_catalog.redshift_databases
    UNION ALL
    SELECT name, database_owner, 'shared', NULL, NULL, NULL FROM sandbox_private.shared_database WHERE warehouse = (SELECT redshift_prefix())
    UNION ALL
    SELECT name, database_owner, 'zero-etl', NULL, NULL, NULL FROM sandbox_private.integration_database WHERE warehouse = (SELECT redshift_prefix());
GRANT SELECT ON pg_catalog.svv_integration, pg_catalog.svv_integration_table_state TO PUBLIC;
