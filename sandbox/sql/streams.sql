-- Streaming ingestion. A streaming view is a materialized view over the records that were taken from its stream so far, which stay here, each with the
-- refresh that took it; the stream itself is read by `streams.py`.

CREATE TABLE sandbox_private.stream_reader (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    external_schema name NOT NULL,
    stream text NOT NULL,
    role text NOT NULL,
    relid oid,
    -- The last sequence number that was taken of each shard.
    positions jsonb NOT NULL DEFAULT '{}'
);
CREATE TABLE sandbox_private.stream_record (
    reader bigint NOT NULL,
    approximate_arrival_timestamp timestamp NOT NULL,
    partition_key varchar(256) NOT NULL,
    shard_id char(20) NOT NULL,
    sequence_number varchar(128) NOT NULL,
    refresh_time timestamp NOT NULL,
    kinesis_data bytea NOT NULL,
    PRIMARY KEY (reader, shard_id, sequence_number)
);
CREATE TABLE sandbox_private.stream_scan (
    reader bigint NOT NULL,
    external_schema_name text NOT NULL,
    stream_name text NOT NULL,
    mv_name text NOT NULL,
    transaction_id bigint NOT NULL,
    query_id bigint NOT NULL,
    record_time timestamp NOT NULL,
    partition_id text NOT NULL,
    latest_position text NOT NULL,
    scanned_rows bigint NOT NULL,
    skipped_rows bigint NOT NULL,
    scanned_bytes bigint NOT NULL,
    stream_record_time_min timestamp NOT NULL,
    stream_record_time_max timestamp NOT NULL
);

CREATE FUNCTION pg_catalog.redshift_new_stream_reader(schema text, stream text, role text) RETURNS bigint LANGUAGE sql SECURITY DEFINER
AS $$ INSERT INTO sandbox_private.stream_reader (external_schema, stream, role) VALUES ($1, $2, $3) RETURNING id $$;
CREATE FUNCTION pg_catalog.redshift_bind_stream_reader(reader bigint, rel regclass) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM redshift_own(rel);
    UPDATE sandbox_private.stream_reader SET relid = rel WHERE id = reader AND relid IS NULL;
END $$;
CREATE FUNCTION pg_catalog.redshift_stream_records(reader bigint)
RETURNS TABLE (approximate_arrival_timestamp timestamp, partition_key varchar, shard_id bpchar, sequence_number varchar, refresh_time timestamp, kinesis_data bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
    RETURN QUERY SELECT r.approximate_arrival_timestamp, r.partition_key, r.shard_id, r.sequence_number, r.refresh_time, r.kinesis_data
        FROM sandbox_private.stream_record r WHERE r.reader = redshift_stream_records.reader ORDER BY r.approximate_arrival_timestamp, r.sequence_number;
END $$;
-- The readers behind a relation: of itself, and of what it is made of. With `automatic` only those whose view refreshes by itself.
CREATE FUNCTION pg_catalog.redshift_stream_readers(rel text, automatic boolean)
RETURNS TABLE (id bigint, stream text, role text, positions text, view_name text) LANGUAGE sql STABLE SECURITY DEFINER AS $$
    WITH RECURSIVE part(relid) AS (
        SELECT to_regclass(rel)::oid
        UNION
        SELECT d.refobjid FROM part p JOIN pg_catalog.pg_rewrite w ON w.ev_class = p.relid
        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> p.relid
    )
    SELECT s.id, s.stream, s.role, s.positions::text, s.relid::regclass::text FROM sandbox_private.stream_reader s JOIN part p ON p.relid = s.relid
    LEFT JOIN sandbox_private.view_attribute v ON v.relid = s.relid
    WHERE (NOT automatic OR v.auto_refresh) AND (automatic OR s.relid = to_regclass(rel)::oid) $$;
-- Take records once: nothing is done when another refresh has moved the positions meanwhile. `taken` has shard, sequence, key, time and data (base64) of each.
CREATE FUNCTION pg_catalog.redshift_take_records(reader bigint, before jsonb, taken jsonb, query bigint, refreshing boolean) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    found sandbox_private.stream_reader;
    moment timestamp := clock_timestamp()::timestamp;
BEGIN
    SELECT * INTO found FROM sandbox_private.stream_reader s WHERE s.id = reader FOR UPDATE;
    IF found IS NULL OR found.positions <> before THEN
        RETURN false;
    END IF;
    INSERT INTO sandbox_private.stream_record
        SELECT reader, t.time, t.key, t.shard, t.sequence, moment, decode(t.data, 'base64')
        FROM jsonb_to_recordset(taken) t(shard text, sequence text, key text, time timestamp, data text) ON CONFLICT DO NOTHING;
    INSERT INTO sandbox_private.stream_scan
        SELECT reader, found.external_schema, found.stream, (SELECT relname FROM pg_catalog.pg_class WHERE oid = found.relid), query, query, moment, t.shard,
            (array_agg(t.sequence ORDER BY t.place))[count(*)], count(*), 0, sum(length(decode(t.data, 'base64'))), min(t.time), max(t.time)
        FROM ROWS FROM (jsonb_to_recordset(taken) AS (shard text, sequence text, time timestamp, data text)) WITH ORDINALITY t(shard, sequence, time, data, place)
        GROUP BY t.shard;
    UPDATE sandbox_private.stream_reader s SET positions = s.positions || coalesce((SELECT jsonb_object_agg(l.shard, l.sequence) FROM (
        SELECT DISTINCT ON (t.shard) t.shard, t.sequence
        FROM ROWS FROM (jsonb_to_recordset(taken) AS (shard text, sequence text)) WITH ORDINALITY t(shard, sequence, place) ORDER BY t.shard, t.place DESC) l), '{}')
    WHERE s.id = reader;
    IF refreshing THEN
        EXECUTE format('REFRESH MATERIALIZED VIEW %s', found.relid::regclass);
    END IF;
    RETURN true;
END $$;

CREATE FUNCTION sandbox_private.forget_streams() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    lost text;
BEGIN
    SELECT o.object_name INTO lost FROM pg_event_trigger_dropped_objects() o WHERE o.object_type = 'schema' AND EXISTS (
        SELECT FROM sandbox_private.stream_reader s JOIN pg_catalog.pg_class c ON c.oid = s.relid WHERE s.external_schema = o.object_name);
    IF lost IS NOT NULL THEN
        RAISE EXCEPTION 'cannot drop schema % because materialized views read streams through it', lost USING ERRCODE = 'dependent_objects_still_exist';
    END IF;
    DELETE FROM sandbox_private.stream_record WHERE reader IN (
        SELECT s.id FROM sandbox_private.stream_reader s JOIN pg_event_trigger_dropped_objects() o ON o.objid = s.relid AND o.classid = 'pg_class'::regclass);
    DELETE FROM sandbox_private.stream_reader WHERE relid IN (SELECT objid FROM pg_event_trigger_dropped_objects() WHERE classid = 'pg_class'::regclass);
END $$;
CREATE EVENT TRIGGER sandbox_forget_streams ON sql_drop EXECUTE FUNCTION sandbox_private.forget_streams();

CREATE VIEW pg_catalog.sys_stream_scan_states AS
    SELECT external_schema_name, stream_name, mv_name, transaction_id, query_id, record_time, partition_id, latest_position, scanned_rows, skipped_rows,
        scanned_bytes, stream_record_time_min, stream_record_time_max
    FROM sandbox_private.stream_scan WHERE redshift_sees_all();
GRANT SELECT ON pg_catalog.sys_stream_scan_states TO PUBLIC;

-- The data of a record is bytes; these read it.
CREATE FUNCTION pg_catalog.from_varbyte(bytea, text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    CASE lower(replace($2, '-', '')) WHEN 'utf8' THEN RETURN convert_from($1, 'UTF8'); WHEN 'hex' THEN RETURN encode($1, 'hex');
        WHEN 'base64' THEN RETURN encode($1, 'base64');
        ELSE RAISE EXCEPTION 'unknown format "%"', $2 USING ERRCODE = 'invalid_parameter_value'; END CASE;
END $$;
CREATE FUNCTION pg_catalog.to_varbyte(text, text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    CASE lower(replace($2, '-', '')) WHEN 'utf8' THEN RETURN convert_to($1, 'UTF8'); WHEN 'hex' THEN RETURN decode($1, 'hex');
        WHEN 'base64' THEN RETURN decode($1, 'base64');
        ELSE RAISE EXCEPTION 'unknown format "%"', $2 USING ERRCODE = 'invalid_parameter_value'; END CASE;
END $$;
CREATE FUNCTION pg_catalog.can_json_parse(bytea) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN can_json_parse(convert_from($1, 'UTF8'));
EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
    RETURN false;
END $$;
CREATE FUNCTION pg_catalog.json_parse(bytea) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT json_parse(convert_from($1, 'UTF8')) $$;
