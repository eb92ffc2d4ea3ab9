-- Row-level security and masking: policies, where they are attached and for whom, and what of that holds for the session's user.
-- Names of users and roles are kept as Redshift knows them, so that a copied database needs no care.

CREATE TABLE sandbox_private.policy_seal (value text NOT NULL);
INSERT INTO sandbox_private.policy_seal VALUES ('{seal}');
-- `definition`: inputs [{colname, type}], alias, shown [{expr, type}] as the catalog tells them, run [expressions in PostgreSQL's words].
CREATE TABLE sandbox_private.policy (
    kind text NOT NULL,
    name text NOT NULL,
    definition jsonb NOT NULL,
    modified_by text NOT NULL,
    modified_time timestamp NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (kind, name)
);
CREATE TABLE sandbox_private.policy_lookup (
    kind text NOT NULL,
    policy text NOT NULL,
    relid oid NOT NULL,
    granted boolean NOT NULL,
    PRIMARY KEY (kind, policy, relid),
    FOREIGN KEY (kind, policy) REFERENCES sandbox_private.policy ON DELETE CASCADE
);
CREATE TABLE sandbox_private.policy_attachment (
    kind text NOT NULL,
    policy text NOT NULL,
    relid oid NOT NULL,
    grantee_kind text NOT NULL,
    grantee text NOT NULL,
    priority integer NOT NULL DEFAULT 0,
    inputs text[] NOT NULL DEFAULT '{}',
    outputs text[] NOT NULL DEFAULT '{}',
    grantor text NOT NULL,
    UNIQUE (kind, policy, relid, grantee_kind, grantee, priority, outputs),
    FOREIGN KEY (kind, policy) REFERENCES sandbox_private.policy ON DELETE CASCADE
);
CREATE TABLE sandbox_private.relation_security (
    relid oid PRIMARY KEY,
    rls boolean NOT NULL DEFAULT false,
    conjunction text NOT NULL DEFAULT 'and',
    datashare_rls boolean NOT NULL DEFAULT true,
    datashare_conjunction text NOT NULL DEFAULT 'and',
    datashare_masking boolean NOT NULL DEFAULT true
);

-- Who is who -------------------------------------------------------------------------------------------------------

-- The roles of the session's user, those that come through other roles too. The admin may take every user's part, which gives him none of their roles.
CREATE FUNCTION sandbox_private.own_roles() RETURNS SETOF text LANGUAGE sql STABLE AS $$
    WITH RECURSIVE mine(oid) AS (
        SELECT redshift_session_user_id()
        UNION
        SELECT m.roleid FROM mine JOIN pg_catalog.pg_auth_members m ON m.member = mine.oid AND m.inherit_option
        JOIN pg_catalog.pg_roles r ON r.oid = m.roleid WHERE starts_with(r.rolname, redshift_prefix() || '@'))
    SELECT redshift_plain_role(oid) FROM mine WHERE oid <> redshift_session_user_id() $$;
CREATE FUNCTION pg_catalog.redshift_may_secure() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT redshift_is_superuser(redshift_session_user_id()) OR 'sys:secadmin' IN (SELECT sandbox_private.own_roles()) $$;
CREATE FUNCTION sandbox_private.check_may_secure(what text) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT redshift_may_secure() THEN
        RAISE EXCEPTION 'permission denied to %', what USING ERRCODE = 'insufficient_privilege',
            HINT = 'It needs a superuser or the role sys:secadmin.';
    END IF;
END $$;
CREATE FUNCTION sandbox_private.attached_to_me(grantee_kind text, grantee text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE $1 WHEN 'public' THEN true WHEN 'user' THEN $2 = redshift_session_user() ELSE $2 IN (SELECT sandbox_private.own_roles()) END $$;
-- Is there anything that a query might have to be changed for?
CREATE FUNCTION pg_catalog.redshift_has_policies() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT EXISTS (SELECT FROM sandbox_private.policy_attachment WHERE kind = 'masking') OR EXISTS (SELECT FROM sandbox_private.relation_security WHERE rls) $$;
CREATE FUNCTION pg_catalog.redshift_is_restricted() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT EXISTS (SELECT FROM sandbox_private.policy_attachment WHERE kind = 'masking' AND sandbox_private.attached_to_me(grantee_kind, grantee))
        OR (NOT redshift_may_secure() AND EXISTS (SELECT FROM sandbox_private.relation_security WHERE rls)) $$;

-- Statements -------------------------------------------------------------------------------------------------------

CREATE FUNCTION sandbox_private.known_policy(wanted_kind text, wanted text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    found jsonb := (SELECT definition FROM sandbox_private.policy WHERE kind = wanted_kind AND name = wanted);
BEGIN
    IF found IS NULL THEN
        RAISE EXCEPTION '% policy "%" does not exist', wanted_kind, wanted USING ERRCODE = 'undefined_object';
    END IF;
    RETURN found;
END $$;
CREATE FUNCTION pg_catalog.redshift_create_policy(wanted_kind text, wanted text, made jsonb, lookups oid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM sandbox_private.check_may_secure('create a policy');
    IF EXISTS (SELECT FROM sandbox_private.policy WHERE kind = wanted_kind AND name = wanted) THEN
        RAISE EXCEPTION '% policy "%" already exists', wanted_kind, wanted USING ERRCODE = 'duplicate_object';
    END IF;
    INSERT INTO sandbox_private.policy (kind, name, definition, modified_by) VALUES (wanted_kind, wanted, made, redshift_session_user());
    INSERT INTO sandbox_private.policy_lookup SELECT DISTINCT wanted_kind, wanted, rel, wanted_kind = 'rls' FROM unnest(lookups) rel;
END $$;
CREATE FUNCTION pg_catalog.redshift_alter_policy(wanted_kind text, wanted text, made jsonb, lookups oid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    before jsonb := sandbox_private.known_policy(wanted_kind, wanted);
BEGIN
    PERFORM sandbox_private.check_may_secure('alter a policy');
    IF (SELECT jsonb_agg(e -> 'type') FROM jsonb_array_elements(before -> 'shown') e)
       IS DISTINCT FROM (SELECT jsonb_agg(e -> 'type') FROM jsonb_array_elements(made -> 'shown') e) THEN
        RAISE EXCEPTION 'the new expression of policy "%" has different types', wanted USING ERRCODE = 'datatype_mismatch';
    END IF;
    UPDATE sandbox_private.policy SET definition = made, modified_by = redshift_session_user(), modified_time = clock_timestamp()
    WHERE kind = wanted_kind AND name = wanted;
    DELETE FROM sandbox_private.policy_lookup WHERE kind = wanted_kind AND policy = wanted AND relid <> ALL (lookups);
    INSERT INTO sandbox_private.policy_lookup SELECT DISTINCT wanted_kind, wanted, rel, wanted_kind = 'rls' FROM unnest(lookups) rel ON CONFLICT DO NOTHING;
END $$;
CREATE FUNCTION pg_catalog.redshift_policy_inputs(wanted_kind text, wanted text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM sandbox_private.check_may_secure('alter a policy');
    RETURN sandbox_private.known_policy(wanted_kind, wanted);
END $$;
CREATE FUNCTION pg_catalog.redshift_drop_policy(wanted_kind text, wanted text, everywhere boolean) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM sandbox_private.check_may_secure('drop a policy'), sandbox_private.known_policy(wanted_kind, wanted);
    IF NOT everywhere AND EXISTS (SELECT FROM sandbox_private.policy_attachment WHERE kind = wanted_kind AND policy = wanted) THEN
        RAISE EXCEPTION 'policy "%" cannot be dropped because it is attached to relations', wanted USING ERRCODE = 'dependent_objects_still_exist';
    END IF;
    DELETE FROM sandbox_private.policy WHERE kind = wanted_kind AND name = wanted;
END $$;
CREATE FUNCTION pg_catalog.redshift_grant_lookup(wanted_kind text, wanted text, rel regclass, give boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM sandbox_private.check_may_secure('grant to a policy'), sandbox_private.known_policy(wanted_kind, wanted);
    INSERT INTO sandbox_private.policy_lookup VALUES (wanted_kind, wanted, rel, give) ON CONFLICT (kind, policy, relid) DO UPDATE SET granted = give;
END $$;

CREATE FUNCTION sandbox_private.check_attachable(wanted_kind text, rel regclass, columns text[]) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
    seen record;
    missing text;
BEGIN
    SELECT c.relkind, c.relpersistence, n.nspname INTO seen FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = rel;
    IF seen.nspname IN ('pg_catalog', 'information_schema') OR seen.relpersistence = 't' OR seen.relkind NOT IN ('r', 'v', 'm') THEN
        RAISE EXCEPTION 'a policy cannot be attached to %', rel USING ERRCODE = 'feature_not_supported';
    END IF;
    SELECT c INTO missing FROM unnest(columns) c
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = rel AND attname = c AND attnum > 0 AND NOT attisdropped) LIMIT 1;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'column "%" of relation % does not exist', missing, rel USING ERRCODE = 'undefined_column';
    END IF;
    IF wanted_kind = 'rls' AND EXISTS (SELECT FROM sandbox_private.policy_lookup WHERE kind = 'rls' AND relid = rel) THEN
        RAISE EXCEPTION '% is a lookup table of a policy, and cannot have one itself', rel USING ERRCODE = 'feature_not_supported';
    END IF;
END $$;
CREATE FUNCTION sandbox_private.check_grantee(wanted_kind text, grantee_kind text, grantee text) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
    found oid := redshift_role_id(CASE grantee_kind WHEN 'role' THEN '@' ELSE '.' END, grantee);
BEGIN
    IF grantee_kind <> 'public' AND found IS NULL THEN
        RAISE EXCEPTION '% "%" does not exist', grantee_kind, grantee USING ERRCODE = 'undefined_object';
    ELSIF wanted_kind = 'rls' AND (grantee_kind = 'user' AND redshift_is_superuser(found) OR grantee_kind = 'role' AND grantee = 'sys:secadmin') THEN
        RAISE EXCEPTION 'an rls policy cannot be attached to a superuser or to sys:secadmin' USING ERRCODE = 'feature_not_supported';
    END IF;
END $$;
CREATE FUNCTION pg_catalog.redshift_attach_policy(
    wanted_kind text, wanted text, rel regclass, to_kind text, to_name text, wanted_priority integer, takes text[], masks text[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    made jsonb := sandbox_private.known_policy(wanted_kind, wanted);
    other text;
BEGIN
    PERFORM sandbox_private.check_may_secure('attach a policy'), sandbox_private.check_attachable(wanted_kind, rel, takes || masks),
            sandbox_private.check_grantee(wanted_kind, to_kind, to_name);
    IF wanted_kind = 'rls' THEN
        takes := ARRAY(SELECT e ->> 'colname' FROM jsonb_array_elements(made -> 'inputs') e);
        PERFORM sandbox_private.check_attachable(wanted_kind, rel, takes);
        SELECT a.policy INTO other FROM sandbox_private.policy_attachment a JOIN sandbox_private.policy p USING (kind)
        WHERE a.kind = 'rls' AND p.name = a.policy AND a.relid = rel AND p.definition ->> 'alias' <> made ->> 'alias';
        IF other IS NOT NULL THEN
            RAISE EXCEPTION 'the policies "%" and "%" of % have different aliases', other, wanted, rel USING ERRCODE = 'feature_not_supported';
        END IF;
    ELSE
        IF cardinality(takes) <> jsonb_array_length(made -> 'inputs') OR cardinality(masks) <> jsonb_array_length(made -> 'run') THEN
            RAISE EXCEPTION 'masking policy "%" takes % columns and masks %', wanted, jsonb_array_length(made -> 'inputs'), jsonb_array_length(made -> 'run')
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        SELECT a.policy INTO other FROM sandbox_private.policy_attachment a
        WHERE a.kind = 'masking' AND a.relid = rel AND a.policy <> wanted AND a.outputs && masks
          AND (a.priority = wanted_priority OR (a.grantee_kind, a.grantee) = (to_kind, to_name)) LIMIT 1;
        IF other IS NOT NULL THEN
            RAISE EXCEPTION 'masking policy "%" is already attached to a column of % with the same priority or for the same %', other, rel,
                CASE to_kind WHEN 'public' THEN 'public' ELSE to_kind END USING ERRCODE = 'duplicate_object';
        END IF;
    END IF;
    INSERT INTO sandbox_private.policy_attachment
    VALUES (wanted_kind, wanted, rel, to_kind, to_name, wanted_priority, takes, masks, redshift_session_user());
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION '% policy "%" is already attached to % for % %', wanted_kind, wanted, rel, to_kind, to_name USING ERRCODE = 'duplicate_object';
END $$;
CREATE FUNCTION pg_catalog.redshift_detach_policy(wanted_kind text, wanted text, rel regclass, to_kind text, to_name text, masks text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM sandbox_private.check_may_secure('detach a policy'), sandbox_private.known_policy(wanted_kind, wanted);
    DELETE FROM sandbox_private.policy_attachment a
    WHERE a.kind = wanted_kind AND a.policy = wanted AND a.relid = rel AND (a.grantee_kind, a.grantee, a.outputs) = (to_kind, to_name, masks);
    IF NOT FOUND THEN
        RAISE EXCEPTION '% policy "%" is not attached to % for % %', wanted_kind, wanted, rel, to_kind, to_name USING ERRCODE = 'undefined_object';
    END IF;
END $$;
-- `part` is rls, or for consumers of datashares: datashare_rls, datashare_masking.
CREATE FUNCTION pg_catalog.redshift_secure_relation(rel regclass, part text, wanted boolean, combined text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM sandbox_private.check_may_secure('change the security of a relation'), sandbox_private.check_attachable('rls', rel, '{}');
    INSERT INTO sandbox_private.relation_security (relid) VALUES (rel) ON CONFLICT DO NOTHING;
    UPDATE sandbox_private.relation_security SET
        rls = CASE part WHEN 'rls' THEN wanted ELSE rls END,
        conjunction = CASE part WHEN 'rls' THEN coalesce(combined, conjunction) ELSE conjunction END,
        datashare_rls = CASE part WHEN 'datashare_rls' THEN wanted ELSE datashare_rls END,
        datashare_conjunction = CASE part WHEN 'datashare_rls' THEN coalesce(combined, datashare_conjunction) ELSE datashare_conjunction END,
        datashare_masking = CASE part WHEN 'datashare_masking' THEN wanted ELSE datashare_masking END
    WHERE relid = rel;
END $$;

-- A dropped relation's policies are detached; what a policy names is neither dropped nor renamed.
CREATE FUNCTION sandbox_private.keep_what_policies_name() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    bad record;
BEGIN
    IF tg_event = 'sql_drop' THEN
        SELECT d.object_identity AS what, l.policy INTO bad FROM pg_event_trigger_dropped_objects() d
        JOIN sandbox_private.policy_lookup l ON l.relid = d.objid AND d.objsubid = 0 AND l.kind = 'rls' LIMIT 1;
        DELETE FROM sandbox_private.policy_attachment WHERE relid IN (SELECT objid FROM pg_event_trigger_dropped_objects() WHERE objsubid = 0);
        DELETE FROM sandbox_private.relation_security WHERE relid IN (SELECT objid FROM pg_event_trigger_dropped_objects() WHERE objsubid = 0);
        DELETE FROM sandbox_private.policy_lookup WHERE kind = 'masking' AND relid IN (SELECT objid FROM pg_event_trigger_dropped_objects() WHERE objsubid = 0);
    ELSE
        SELECT format('column %s of %s', quote_ident(c), a.relid::regclass) AS what, a.policy INTO bad
        FROM sandbox_private.policy_attachment a, unnest(a.inputs || a.outputs) c
        WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = a.relid AND attname = c AND NOT attisdropped) LIMIT 1;
    END IF;
    IF bad.policy IS NOT NULL THEN
        RAISE EXCEPTION 'cannot change % because policy "%" depends on it', bad.what, bad.policy USING ERRCODE = 'dependent_objects_still_exist';
    END IF;
END $$;
CREATE EVENT TRIGGER sandbox_policy_drops ON sql_drop EXECUTE FUNCTION sandbox_private.keep_what_policies_name();
CREATE EVENT TRIGGER sandbox_policy_columns ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION sandbox_private.keep_what_policies_name();

-- Queries ----------------------------------------------------------------------------------------------------------

CREATE FUNCTION sandbox_private.unreadable_lookup(wanted_kind text, wanted text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT relid::regclass::text FROM sandbox_private.policy_lookup WHERE kind = $1 AND policy = $2 AND NOT granted LIMIT 1 $$;
-- What holds for the session's user of a relation: its columns, the policies for its rows (null: none are asked for), its masks, highest first.
CREATE FUNCTION pg_catalog.redshift_protection(wanted text) RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
DECLARE
    rel oid := to_regclass(wanted);
    seen record;
BEGIN
    SELECT c.relkind, n.nspname, c.relname INTO seen FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = rel;
    IF seen.nspname IS NULL OR seen.nspname IN ('pg_catalog', 'information_schema') OR seen.relkind NOT IN ('r', 'v', 'm') THEN
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object(
        'name', format('%I.%I', seen.nspname, seen.relname),
        'view', CASE seen.relkind WHEN 'v' THEN pg_get_viewdef(rel) END,
        'columns', (SELECT jsonb_agg(jsonb_build_array(attname, format_type(atttypid, atttypmod)) ORDER BY attnum)
                    FROM pg_catalog.pg_attribute WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped),
        'conjunction', (SELECT conjunction FROM sandbox_private.relation_security WHERE relid = rel),
        'rows', CASE WHEN NOT redshift_may_secure() AND EXISTS (SELECT FROM sandbox_private.relation_security WHERE relid = rel AND rls) THEN (
            SELECT coalesce(jsonb_agg(jsonb_build_object('policy', p.name, 'definition', p.definition, 'takes', takes,
                                                         'unreadable', sandbox_private.unreadable_lookup('rls', p.name))), '[]')
            FROM sandbox_private.policy p JOIN (SELECT DISTINCT a.policy, to_jsonb(a.inputs) AS takes FROM sandbox_private.policy_attachment a
                WHERE a.kind = 'rls' AND a.relid = rel AND sandbox_private.attached_to_me(a.grantee_kind, a.grantee)) a ON a.policy = p.name
            WHERE p.kind = 'rls') END,
        'masks', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('policy', p.name, 'definition', p.definition, 'takes', to_jsonb(a.inputs), 'masks', to_jsonb(a.outputs),
                                                         'unreadable', sandbox_private.unreadable_lookup('masking', p.name)) ORDER BY a.priority DESC), '[]')
            FROM sandbox_private.policy_attachment a JOIN sandbox_private.policy p ON p.kind = a.kind AND p.name = a.policy
            WHERE a.kind = 'masking' AND a.relid = rel AND sandbox_private.attached_to_me(a.grantee_kind, a.grantee)));
END $$;
-- Runs what only policies may: the text is sealed by whoever made it of them, for this user.
CREATE FUNCTION pg_catalog.redshift_shown(query text, seal text) RETURNS SETOF record LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF seal IS DISTINCT FROM encode(sha256(convert_to((SELECT value FROM sandbox_private.policy_seal) || session_user || query, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'permission denied for function redshift_shown' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY EXECUTE query;
END $$;
-- Why a consumer of a datashare may not read a relation: rls, masking, or null where he may.
CREATE FUNCTION pg_catalog.redshift_datashare_protection(rel regclass) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM sandbox_private.relation_security s WHERE s.relid = $1 AND s.rls AND s.datashare_rls) THEN 'rls'
                WHEN EXISTS (SELECT FROM sandbox_private.policy_attachment a WHERE a.kind = 'masking' AND a.relid = $1)
                 AND coalesce((SELECT s.datashare_masking FROM sandbox_private.relation_security s WHERE s.relid = $1), true) THEN 'masking' END $$;

-- System views -----------------------------------------------------------------------------------------------------

CREATE FUNCTION sandbox_private.relation_kind(oid) RETURNS text LANGUAGE sql STABLE
AS $$ SELECT CASE relkind WHEN 'r' THEN 'table' WHEN 'm' THEN 'materialized view' ELSE 'view' END FROM pg_catalog.pg_class WHERE oid = $1 $$;
CREATE VIEW pg_catalog.svv_rls_policy AS
    SELECT current_database()::text AS poldb, name AS polname, definition ->> 'alias' AS polalias, (definition -> 'inputs')::text AS polatts,
        definition #>> '{shown,0,expr}' AS polqual, true AS polenabled, modified_by AS polmodifiedby, modified_time AS polmodifiedtime
    FROM sandbox_private.policy WHERE kind = 'rls' AND redshift_may_secure();
CREATE VIEW pg_catalog.svv_rls_attached_policy AS
    SELECT r.nspname::text AS relschema, r.relname::text AS relname, sandbox_private.relation_kind(r.oid) AS relkind, a.policy AS polname, a.grantor,
        a.grantee, a.grantee_kind AS granteekind, true AS is_pol_on, coalesce(s.rls, false) AS is_rls_on,
        coalesce(s.conjunction, 'and')::character(3) AS rls_conjunction_type
    FROM sandbox_private.policy_attachment a JOIN sandbox_private.user_relation r ON r.oid = a.relid
    LEFT JOIN sandbox_private.relation_security s ON s.relid = a.relid WHERE a.kind = 'rls' AND redshift_may_secure();
CREATE VIEW pg_catalog.svv_rls_relation AS
    SELECT current_database()::text AS datname, r.nspname::text AS relschema, r.relname::text AS relname, sandbox_private.relation_kind(r.oid) AS relkind,
        s.rls AS is_rls_on, s.datashare_rls AS is_rls_datashare_on, s.conjunction::character(3) AS rls_conjunction_type,
        s.datashare_conjunction::character(3) AS rls_datashare_conjunction_type
    FROM sandbox_private.relation_security s JOIN sandbox_private.user_relation r ON r.oid = s.relid WHERE redshift_may_secure();
CREATE VIEW pg_catalog.svv_masking_policy AS
    SELECT current_database()::text AS policy_database, name AS policy_name, (definition -> 'inputs')::text AS input_columns,
        (definition -> 'shown')::text AS policy_expression, modified_by AS policy_modified_by, modified_time AS policy_modified_time
    FROM sandbox_private.policy WHERE kind = 'masking' AND redshift_may_secure();
CREATE VIEW pg_catalog.svv_attached_masking_policy AS
    SELECT a.policy AS policy_name, r.nspname::text AS schema_name, r.relname::text AS table_name, sandbox_private.relation_kind(r.oid) AS table_type,
        a.grantor, a.grantee, a.grantee_kind AS grantee_type, a.priority, to_jsonb(a.inputs)::text AS input_columns, to_jsonb(a.outputs)::text AS output_columns,
        coalesce(s.datashare_masking, true) AS is_masking_datashare_on
    FROM sandbox_private.policy_attachment a JOIN sandbox_private.user_relation r ON r.oid = a.relid
    LEFT JOIN sandbox_private.relation_security s ON s.relid = a.relid WHERE a.kind = 'masking' AND redshift_may_secure();
GRANT SELECT ON pg_catalog.svv_rls_policy, pg_catalog.svv_rls_attached_policy, pg_catalog.svv_rls_relation, pg_catalog.svv_masking_policy,
    pg_catalog.svv_attached_masking_policy TO PUBLIC;
