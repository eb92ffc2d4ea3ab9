-- Redshift's system views: tables and columns, users and rights, queries that ran and run.

-- Tables and columns -------------------------------------------------------------------------------------------------

CREATE VIEW pg_catalog.svv_table_info AS
    SELECT current_database()::text AS database, r.nspname::text AS schema, r.oid AS table_id, r.relname::text AS "table",
        CASE WHEN t.encodings IS NULL OR t.encodings = '{}' THEN 'Y, AUTO(ENCODE)'
             WHEN EXISTS (SELECT FROM jsonb_each_text(t.encodings) e WHERE e.value NOT IN ('raw', 'none')) THEN 'Y' ELSE 'N' END AS encoded,
        CASE coalesce(t.diststyle, 'AUTO')
            WHEN 'KEY' THEN format('KEY(%s)', (SELECT attname FROM pg_attribute WHERE attrelid = r.oid AND attnum = t.distkey))
            WHEN 'AUTO' THEN 'AUTO(ALL)' ELSE t.diststyle END AS diststyle,
        CASE WHEN coalesce(t.sortstyle, 'AUTO') = 'AUTO' THEN 'AUTO(SORTKEY)' WHEN t.sortstyle = 'INTERLEAVED' THEN 'INTERLEAVED'
             ELSE (SELECT attname::text FROM pg_attribute WHERE attrelid = r.oid AND attnum = t.sortkeys[1]) END AS sortkey1,
        coalesce((SELECT max(c.atttypmod - 4) FROM sandbox_private.user_column c WHERE c.oid = r.oid AND c.atttypid = 'varchar'::regtype), 0) AS max_varchar,
        (SELECT c.encoding FROM sandbox_private.user_column c WHERE c.oid = r.oid AND c.sortkey = 1) AS sortkey1_enc,
        coalesce(cardinality(t.sortkeys), 0) AS sortkey_num,
        greatest(1, pg_total_relation_size(r.oid) / 1048576) AS size,
        0.0000::numeric(10, 4) AS pct_used,
        0::bigint AS empty,
        sandbox_private.unsorted_percent(r.oid)::numeric(5, 2) AS unsorted,
        CASE WHEN pg_stat_get_last_analyze_time(r.oid) IS NULL THEN 100
             ELSE least(100, 100.0 * pg_stat_get_mod_since_analyze(r.oid) / greatest(1, n.total)) END::numeric(5, 2) AS stats_off,
        (n.total + pg_stat_get_dead_tuples(r.oid))::numeric(38, 0) AS tbl_rows,
        NULL::numeric(19, 2) AS skew_sortkey1,
        1.00::numeric(19, 2) AS skew_rows,
        n.total::numeric(38, 0) AS estimated_visible_rows,
        NULL::text AS risk_event,
        CASE WHEN cardinality(t.sortkeys) > 0 THEN sandbox_private.unsorted_percent(r.oid) ELSE 0 END::numeric(12, 2) AS vacuum_sort_benefit,
        coalesce(t.create_time, '2000-01-01')::timestamp AS create_time
    FROM sandbox_private.user_relation r LEFT JOIN sandbox_private.table_attribute t ON t.relid = r.oid
    CROSS JOIN LATERAL (SELECT sandbox_private.count_rows(r.oid) AS total) n
    WHERE r.relkind = 'r' AND n.total > 0 AND r.nspname NOT LIKE 'pg\_temp%';

CREATE VIEW pg_catalog.svv_tables AS
    SELECT current_database()::text AS table_catalog, r.nspname::text AS table_schema, r.relname::text AS table_name,
        CASE r.relkind WHEN 'r' THEN 'TABLE' ELSE 'VIEW' END AS table_type, obj_description(r.oid, 'pg_class') AS remarks
    FROM sandbox_private.user_relation r
    WHERE r.relkind IN ('r', 'v', 'm') AND has_table_privilege(session_user, r.oid, 'SELECT,INSERT,UPDATE,DELETE,REFERENCES');

CREATE VIEW pg_catalog.svv_columns AS
    SELECT current_database()::text AS table_catalog, c.nspname::text AS table_schema, c.relname::text AS table_name, c.attname::text AS column_name,
        c.attnum::integer AS ordinal_position, c.column_default, CASE WHEN c.attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable,
        split_part(c.type, '(', 1) AS data_type,
        CASE WHEN c.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND c.atttypmod > 4 THEN c.atttypmod - 4 END AS character_maximum_length,
        information_schema._pg_numeric_precision(c.atttypid, c.atttypmod)::integer AS numeric_precision,
        information_schema._pg_numeric_scale(c.atttypid, c.atttypmod)::integer AS numeric_scale,
        col_description(c.oid, c.attnum) AS remarks
    FROM sandbox_private.user_column c WHERE has_table_privilege(session_user, c.oid, 'SELECT,INSERT,UPDATE,DELETE,REFERENCES');

CREATE VIEW pg_catalog.svv_all_schemas AS
    SELECT current_database()::text AS database_name, nspname::text AS schema_name, nspowner::bigint AS schema_owner, 'local'::text AS schema_type,
        nspacl::text AS schema_acl, NULL::text AS source_database, NULL::text AS schema_option
    FROM pg_namespace WHERE nspname NOT IN ('sandbox_private', 'sandbox_shared') AND nspname !~ '^pg_(toast|temp)';

CREATE VIEW pg_catalog.stv_mv_info AS
    SELECT current_database()::text AS db_name, r.nspname::text AS schema, r.relname::text AS name, pg_get_userbyid(r.relowner)::text AS owner_user_name,
        coalesce(v.auto_refresh, false) AS autorefresh, 0 AS state, false AS is_stale
    FROM sandbox_private.user_relation r LEFT JOIN sandbox_private.view_attribute v ON v.relid = r.oid WHERE r.relkind = 'm';

-- Materialized views stand among the views; one without a schema binding is given as the statement that made it.
CREATE OR REPLACE VIEW pg_catalog.pg_views AS
    SELECT n.nspname AS schemaname, c.relname AS viewname, pg_get_userbyid(c.relowner) AS viewowner,
        coalesce((SELECT b.statement FROM sandbox_private.late_binding b WHERE b.relid = c.oid), pg_get_viewdef(c.oid)) AS definition
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND n.nspname NOT IN ('sandbox_private', 'sandbox_shared');

-- Users and rights ---------------------------------------------------------------------------------------------------

CREATE VIEW sandbox_private.warehouse_role AS
    SELECT a.oid, redshift_plain_role(a.oid) AS plain, substr(a.rolname, length(redshift_prefix()) + 1, 1) AS kind, a.rolcreatedb, a.rolconnlimit,
        a.rolvaliduntil, a.rolname
    FROM pg_authid a WHERE a.rolname ~ ('^' || redshift_prefix() || '[.@%]');
CREATE VIEW sandbox_private.warehouse_user AS
    SELECT oid, plain, rolcreatedb, rolconnlimit, rolvaliduntil, redshift_is_superuser(oid) AS super,
        pg_has_role(oid, (SELECT r.oid FROM pg_roles r WHERE r.rolname = redshift_prefix() || '!syslog'), 'MEMBER') AS syslog
    FROM sandbox_private.warehouse_role WHERE kind = '.';

CREATE OR REPLACE VIEW pg_catalog.pg_user AS
    SELECT plain::name COLLATE "C" AS usename, oid AS usesysid, rolcreatedb AS usecreatedb, super AS usesuper, false AS userepl, false AS usebypassrls,
        '********'::text AS passwd, rolvaliduntil AS valuntil, NULL::text[] COLLATE "C" AS useconfig FROM sandbox_private.warehouse_user;
CREATE OR REPLACE VIEW pg_catalog.pg_group AS
    SELECT g.plain::name COLLATE "C" AS groname, g.oid AS grosysid,
        ARRAY(SELECT m.member FROM pg_auth_members m JOIN sandbox_private.warehouse_user u ON u.oid = m.member WHERE m.roleid = g.oid) AS grolist
    FROM sandbox_private.warehouse_role g WHERE g.kind = '%';
CREATE VIEW pg_catalog.pg_user_info AS
    SELECT plain::name AS usename, oid AS usesysid, rolcreatedb AS usecreatedb, super AS usesuper, false AS usecatupd, '********'::text AS passwd,
        rolvaliduntil AS valuntil, NULL::text[] AS useconfig, CASE rolconnlimit WHEN -1 THEN 'UNLIMITED' ELSE rolconnlimit::text END AS useconnlimit,
        CASE WHEN syslog OR super THEN 'UNRESTRICTED' ELSE 'RESTRICTED' END AS syslogaccess
    FROM sandbox_private.warehouse_user;
CREATE VIEW pg_catalog.svv_users AS
    SELECT oid::bigint AS user_id, plain AS user_name, rolcreatedb AS createdb, super AS superuser, false AS catalog_update,
        CASE rolconnlimit WHEN -1 THEN 'UNLIMITED' ELSE rolconnlimit::text END AS connection_limit,
        CASE WHEN syslog OR super THEN 'UNRESTRICTED' ELSE 'RESTRICTED' END AS syslog_access,
        NULL::timestamp AS last_ddl_timestamp, 0 AS session_timeout, NULL::text AS external_id
    FROM sandbox_private.warehouse_user WHERE redshift_is_superuser(redshift_session_user_id()) OR oid = redshift_session_user_id();
CREATE VIEW pg_catalog.svv_roles AS
    SELECT r.oid::bigint AS role_id, r.plain AS role_name, redshift_plain_role(
        (SELECT m.member FROM pg_auth_members m WHERE m.roleid = r.oid AND m.admin_option ORDER BY m.oid LIMIT 1)) AS role_owner, NULL::text AS external_id
    FROM sandbox_private.warehouse_role r
    WHERE r.kind = '@' AND (redshift_is_superuser(redshift_session_user_id()) OR pg_has_role(session_user, r.oid, 'MEMBER'));
CREATE VIEW sandbox_private.role_grant AS
    SELECT m.member, m.roleid, r.plain AS role_name, u.plain AS member_name, u.kind, m.admin_option
    FROM pg_auth_members m JOIN sandbox_private.warehouse_role r ON r.oid = m.roleid AND r.kind = '@'
    JOIN sandbox_private.warehouse_role u ON u.oid = m.member WHERE m.inherit_option
      AND (redshift_is_superuser(redshift_session_user_id()) OR pg_has_role(session_user, r.oid, 'MEMBER'));
CREATE VIEW pg_catalog.svv_user_grants AS
    SELECT member::bigint AS user_id, member_name AS user_name, roleid::bigint AS role_id, role_name, admin_option
    FROM sandbox_private.role_grant WHERE kind = '.';
CREATE VIEW pg_catalog.svv_role_grants AS
    SELECT member::bigint AS role_id, member_name AS role_name, roleid::bigint AS granted_role_id, role_name AS granted_role_name
    FROM sandbox_private.role_grant WHERE kind = '@';
-- Whom a right is given to, and who sees that: superusers, and whoever is meant.
CREATE VIEW sandbox_private.identity AS
    SELECT oid, plain AS name, CASE kind WHEN '@' THEN 'role' WHEN '%' THEN 'group' ELSE 'user' END AS type FROM sandbox_private.warehouse_role
    UNION ALL SELECT 0, 'public', 'public';
CREATE FUNCTION sandbox_private.sees_identity(grantee oid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT redshift_is_superuser(redshift_session_user_id()) OR grantee = 0 OR pg_has_role(session_user, grantee, 'MEMBER') $$;
CREATE VIEW pg_catalog.svv_relation_privileges AS
    SELECT r.nspname::text AS namespace_name, r.relname::text AS relation_name, p.privilege_type::text AS privilege_type,
        p.grantee::bigint AS identity_id, i.name AS identity_name, i.type AS identity_type, p.is_grantable AS admin_option
    FROM sandbox_private.user_relation r JOIN pg_class c ON c.oid = r.oid CROSS JOIN LATERAL aclexplode(c.relacl) p
    JOIN sandbox_private.identity i ON i.oid = p.grantee
    WHERE p.grantee <> r.relowner AND sandbox_private.sees_identity(p.grantee);
CREATE VIEW pg_catalog.redshift_databases AS
    SELECT oid, shobj_description(oid, 'pg_database')::name AS datname, datdba, encoding, datistemplate, datallowconn, datconnlimit, datacl
    FROM pg_database WHERE starts_with(datname, redshift_prefix() || '.');
CREATE VIEW pg_catalog.svv_redshift_databases AS
    SELECT datname::text AS database_name, datdba::bigint AS database_owner, 'local'::text AS database_type, datacl::text AS database_acl,
        NULL::text AS database_options, 'Snapshot Isolation'::text AS database_isolation_level FROM pg_catalog.redshift_databases;

-- Queries ------------------------------------------------------------------------------------------------------------

CREATE VIEW sandbox_private.visible_query AS
    SELECT q.*, (extract(epoch FROM coalesce(q.end_time, clock_timestamp()::timestamp) - q.start_time) * 1000000)::bigint AS elapsed_time
    FROM sandbox_private.query q
    WHERE q.warehouse = (SELECT redshift_prefix()) AND ((SELECT redshift_sees_all()) OR q.user_id = (SELECT redshift_session_user_id()::bigint));

CREATE VIEW pg_catalog.sys_query_history AS
    SELECT user_id, query_id, query_label, transaction_id, session_id, database_name, query_type, status, false AS result_cache_hit, start_time, end_time,
        elapsed_time, 0::bigint AS queue_time, elapsed_time AS execution_time, error_message, returned_rows, returned_bytes,
        left(query_text, 4000) AS query_text, 'sandbox'::text AS redshift_version, NULL::text AS usage_limit, 'primary'::text AS compute_type,
        0::bigint AS compile_time, 0::bigint AS planning_time, 0::bigint AS lock_wait_time, 100 AS service_class_id,
        'Default queue'::text AS service_class_name, 'Normal'::text AS query_priority, false AS short_query_accelerated
    FROM sandbox_private.visible_query;
CREATE VIEW pg_catalog.stl_query AS
    SELECT user_id AS userid, query_id AS query, query_label AS label, transaction_id AS xid, session_id AS pid, database_name AS database,
        left(query_text, 4000) AS querytxt, start_time AS starttime, end_time AS endtime, CASE status WHEN 'success' THEN 0 ELSE 1 END AS aborted,
        0 AS insert_pristine, 0 AS concurrency_scaling_status
    FROM sandbox_private.visible_query WHERE end_time IS NOT NULL AND query_type NOT IN ('UTILITY', 'DDL');
CREATE VIEW pg_catalog.stl_querytext AS
    SELECT user_id AS userid, transaction_id AS xid, session_id AS pid, query_id AS query, part AS sequence, substr(query_text, part * 200 + 1, 200) AS text
    FROM sandbox_private.visible_query, generate_series(0, greatest(length(query_text) - 1, 0) / 200) part;
CREATE VIEW pg_catalog.sys_query_text AS
    SELECT user_id, query_id, transaction_id, session_id, start_time, part AS sequence, substr(query_text, part * 200 + 1, 200) AS text
    FROM sandbox_private.visible_query, generate_series(0, greatest(length(query_text) - 1, 0) / 200) part;
CREATE VIEW pg_catalog.stv_inflight AS
    SELECT user_id AS userid, 12811 AS slice, query_id AS query, query_label AS label, transaction_id AS xid, session_id AS pid, start_time AS starttime,
        left(query_text, 100) AS text, 0 AS suspended, 0 AS insert_pristine, 0 AS concurrency_scaling_status
    FROM sandbox_private.visible_query WHERE end_time IS NULL;
CREATE VIEW pg_catalog.stv_recents AS
    SELECT user_id AS userid, CASE WHEN end_time IS NULL THEN 'Running' ELSE 'Done' END AS status, start_time AS starttime, elapsed_time AS duration,
        user_name, database_name AS db_name, left(query_text, 600) AS query, CASE WHEN end_time IS NULL THEN session_id ELSE -1 END AS pid
    FROM sandbox_private.visible_query;
CREATE VIEW pg_catalog.stv_sessions AS
    SELECT a.backend_start::timestamp AS starttime, a.pid AS process, redshift_plain_role(a.usesysid) AS user_name,
        shobj_description(a.datid, 'pg_database') AS db_name, 0 AS timeout_sec
    FROM pg_stat_activity a
    WHERE starts_with(a.datname, redshift_prefix() || '.') AND (redshift_sees_all() OR a.usesysid = redshift_session_user_id());

CREATE VIEW sandbox_private.visible_load_error AS
    SELECT e.* FROM sandbox_private.load_error e
    WHERE e.warehouse = (SELECT redshift_prefix()) AND ((SELECT redshift_sees_all()) OR e.user_id = (SELECT redshift_session_user_id()::bigint));
CREATE VIEW pg_catalog.sys_load_error_detail AS
    SELECT user_id, query_id, query_id AS transaction_id, session_id, database_name, table_id, start_time, file_name, line_number, column_name, column_type,
        '0'::text AS column_length, 0 AS position, error_code, error_message, left(raw_line, 1024) AS raw_line
    FROM sandbox_private.visible_load_error;
CREATE VIEW pg_catalog.stl_load_errors AS
    SELECT user_id AS userid, 0 AS slice, table_id AS tbl, start_time AS starttime, session_id AS session, query_id AS query, file_name AS filename, line_number,
        column_name AS colname, column_type AS type, '0'::text AS col_length, 0 AS position, left(raw_line, 1024) AS raw_line,
        left(raw_line, 1024) AS raw_field_value, error_code AS err_code, error_message AS err_reason, 0 AS is_partial, 0 AS start_offset
    FROM sandbox_private.visible_load_error;

CREATE VIEW pg_catalog.stl_alert_event_log AS
    SELECT user_id AS userid, query_id AS query, 0 AS slice, 0 AS segment, 0 AS step, session_id AS pid, query_id AS xid, event, solution, event_time
    FROM sandbox_private.alert
    WHERE warehouse = (SELECT redshift_prefix()) AND ((SELECT redshift_sees_all()) OR user_id = (SELECT redshift_session_user_id()::bigint));
CREATE VIEW pg_catalog.svv_alter_table_recommendations AS
    SELECT type, database_name AS database, table_id, group_id, ddl, auto_eligible FROM sandbox_private.recommendation
    WHERE warehouse = (SELECT redshift_prefix());

-- One row for each minute in which a query ran; a minute is the least that Redshift Serverless charges.
CREATE VIEW pg_catalog.sys_serverless_usage AS
    SELECT minute AS start_time, minute + interval '1 minute' AS end_time,
        capacity.base_rpu * least(60, sum(extract(epoch FROM least(q.ended, minute + interval '1 minute') - greatest(q.start_time, minute))))::double precision AS compute_seconds,
        capacity.base_rpu AS compute_capacity, 0 AS data_storage, 0 AS cross_region_transferred_data, (60 * capacity.base_rpu)::bigint AS charged_seconds
    FROM (SELECT start_time, coalesce(end_time, clock_timestamp()::timestamp) AS ended FROM sandbox_private.query
          WHERE warehouse = (SELECT redshift_prefix())) q
    CROSS JOIN LATERAL generate_series(date_trunc('minute', q.start_time), q.ended, interval '1 minute') minute
    JOIN sandbox_private.capacity ON capacity.warehouse = (SELECT redshift_prefix())
    GROUP BY minute, capacity.base_rpu;

DO $$
DECLARE
    v regclass;
BEGIN
    FOR v IN SELECT oid FROM pg_catalog.pg_class WHERE relkind = 'v' AND relnamespace = 'pg_catalog'::regnamespace AND oid >= 16384
                AND relname NOT IN ('svv_table_info', 'sys_serverless_usage', 'svv_alter_table_recommendations') LOOP
        EXECUTE format('GRANT SELECT ON %s TO PUBLIC', v);
    END LOOP;
END $$;
GRANT USAGE, CREATE ON SCHEMA public TO PUBLIC;
