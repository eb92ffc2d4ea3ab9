-- Who may do what, in the columns of Redshift's views. Only privileges that were given are listed: what an owner may do by itself is not.

CREATE VIEW pg_catalog.svv_user_info AS
    SELECT user_id, user_name, createdb, superuser, catalog_update, connection_limit, syslog_access, last_ddl_timestamp, session_timeout, external_id
    FROM pg_catalog.svv_users;

CREATE VIEW pg_catalog.svv_schema_privileges AS
    SELECT n.nspname::text AS namespace_name, p.privilege_type::text AS privilege_type, p.grantee::bigint AS identity_id,
        i.name AS identity_name, i.type AS identity_type,
        p.is_grantable AS admin_option, 'SCHEMA'::text AS privilege_scope
    FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) p JOIN sandbox_private.identity i ON i.oid = p.grantee
    WHERE p.grantee <> n.nspowner AND n.nspname !~ '^(pg_|sandbox_)' AND n.nspname <> 'information_schema'
      AND sandbox_private.sees_identity(p.grantee);

-- Of databases of the warehouse, and of those that show what other warehouses share.
CREATE VIEW pg_catalog.svv_database_privileges AS
    SELECT d.datname::text AS database_name, p.privilege_type::text AS privilege_type, p.grantee::bigint AS identity_id,
        i.name AS identity_name, i.type AS identity_type,
        p.is_grantable AS admin_option, 'DATABASE'::text AS privilege_scope
    FROM pg_catalog.redshift_databases d CROSS JOIN LATERAL aclexplode(d.datacl) p JOIN sandbox_private.identity i ON i.oid = p.grantee
    WHERE p.grantee <> d.datdba AND p.privilege_type <> 'CONNECT'
      AND sandbox_private.sees_identity(p.grantee)
    UNION ALL
    SELECT g.database_name, 'USAGE', g.grantee, i.name, i.type, false, 'DATABASE'
    FROM sandbox_private.shared_grant g JOIN sandbox_private.identity i ON i.oid = g.grantee::oid
    WHERE g.warehouse = redshift_prefix() AND coalesce(g.schema_name, '') = '' AND coalesce(g.relation_name, '') = '' AND sandbox_private.sees_identity(g.grantee::oid);

CREATE VIEW pg_catalog.svv_default_privileges AS
    SELECT n.nspname::text AS schema_name, CASE a.defaclobjtype WHEN 'r' THEN 'RELATION' ELSE 'FUNCTION' END AS object_type, a.defaclrole::bigint AS owner_id,
        redshift_plain_role(a.defaclrole) AS owner_name, 'user'::text AS owner_type, p.privilege_type::text AS privilege_type, p.grantee::bigint AS grantee_id,
        i.name AS grantee_name, i.type AS grantee_type, p.is_grantable AS admin_option
    FROM pg_catalog.pg_default_acl a LEFT JOIN pg_catalog.pg_namespace n ON n.oid = a.defaclnamespace CROSS JOIN LATERAL aclexplode(a.defaclacl) p
    JOIN sandbox_private.identity i ON i.oid = p.grantee
    WHERE a.defaclobjtype IN ('r', 'f') AND p.grantee <> a.defaclrole
      AND sandbox_private.sees_identity(p.grantee);

GRANT SELECT ON pg_catalog.svv_user_info, pg_catalog.svv_schema_privileges, pg_catalog.svv_database_privileges, pg_catalog.svv_default_privileges TO PUBLIC;
