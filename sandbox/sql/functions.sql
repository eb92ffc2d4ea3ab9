-- Redshift functions that PostgreSQL has no equal of, as functions of the database, so that they also work inside views
-- and procedures.

-- Redshift reads a moment with a zone as one without wherever a function asks for that.
UPDATE pg_catalog.pg_cast SET castcontext = 'i' WHERE castsource = 'timestamptz'::regtype AND casttarget = 'timestamp'::regtype;

CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS $$ SELECT now()::timestamp(0) $$;
CREATE FUNCTION pg_catalog.redshift_sysdate() RETURNS timestamp LANGUAGE sql STABLE AS $$ SELECT now()::timestamp $$;
CREATE FUNCTION pg_catalog.len(text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT length($1) $$;
CREATE FUNCTION pg_catalog.charindex(text, text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT strpos($2, $1) $$;
CREATE FUNCTION pg_catalog.nvl(anycompatible, anycompatible) RETURNS anycompatible LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce($1, $2) $$;
CREATE FUNCTION pg_catalog.nvl2(anyelement, anycompatible, anycompatible) RETURNS anycompatible LANGUAGE sql IMMUTABLE
AS $$ SELECT CASE WHEN $1 IS NOT NULL THEN $2 ELSE $3 END $$;
CREATE FUNCTION pg_catalog.trunc(timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1::date $$;
CREATE FUNCTION pg_catalog.last_day(timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT
AS $$ SELECT (date_trunc('month', $1) + interval '1 month - 1 day')::date $$;
CREATE FUNCTION pg_catalog.add_months(timestamp, bigint) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT
AS $$ SELECT CASE WHEN $1::date = last_day($1) THEN last_day(date_trunc('month', $1) + make_interval(months => $2::integer)) + ($1 - date_trunc('day', $1))
             ELSE $1 + make_interval(months => $2::integer) END $$;
CREATE FUNCTION pg_catalog.months_between(timestamp, timestamp) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT
AS $$ SELECT (extract(year FROM $1) - extract(year FROM $2)) * 12 + extract(month FROM $1) - extract(month FROM $2)
      + CASE WHEN extract(day FROM $1) = extract(day FROM $2) OR ($1::date = last_day($1) AND $2::date = last_day($2)) THEN 0
        ELSE (extract(epoch FROM $1 - date_trunc('month', $1)) - extract(epoch FROM $2 - date_trunc('month', $2))) / 86400 / 31 END $$;

CREATE FUNCTION pg_catalog.redshift_date_part_name(text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    part text := CASE lower($1)
        WHEN 'y' THEN 'year' WHEN 'yr' THEN 'year' WHEN 'yrs' THEN 'year' WHEN 'years' THEN 'year'
        WHEN 'qtr' THEN 'quarter' WHEN 'qtrs' THEN 'quarter' WHEN 'quarters' THEN 'quarter'
        WHEN 'mon' THEN 'month' WHEN 'mons' THEN 'month' WHEN 'months' THEN 'month'
        WHEN 'w' THEN 'week' WHEN 'weeks' THEN 'week'
        WHEN 'd' THEN 'day' WHEN 'days' THEN 'day' WHEN 'dow' THEN 'day' WHEN 'dayofyear' THEN 'day' WHEN 'doy' THEN 'day'
        WHEN 'h' THEN 'hour' WHEN 'hr' THEN 'hour' WHEN 'hrs' THEN 'hour' WHEN 'hours' THEN 'hour'
        WHEN 'm' THEN 'minute' WHEN 'min' THEN 'minute' WHEN 'mins' THEN 'minute' WHEN 'minutes' THEN 'minute'
        WHEN 's' THEN 'second' WHEN 'sec' THEN 'second' WHEN 'secs' THEN 'second' WHEN 'seconds' THEN 'second'
        WHEN 'ms' THEN 'millisecond' WHEN 'msec' THEN 'millisecond' WHEN 'milliseconds' THEN 'millisecond'
        WHEN 'us' THEN 'microsecond' WHEN 'usec' THEN 'microsecond' WHEN 'microseconds' THEN 'microsecond'
        ELSE lower($1) END;
BEGIN
    IF part NOT IN ('year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second', 'millisecond', 'microsecond') THEN
        RAISE EXCEPTION 'date part "%" is not supported in the sandbox', $1;
    END IF;
    RETURN part;
END $$;
CREATE FUNCTION pg_catalog.dateadd(text, bigint, timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE redshift_date_part_name($1)
        WHEN 'year' THEN add_months($3, 12 * $2) WHEN 'quarter' THEN add_months($3, 3 * $2) WHEN 'month' THEN add_months($3, $2)
        WHEN 'millisecond' THEN $3 + $2 * interval '1 millisecond' WHEN 'microsecond' THEN $3 + $2 * interval '1 microsecond'
        ELSE $3 + $2 * ('1 ' || redshift_date_part_name($1))::interval END $$;
-- Counts the boundaries between the two moments, not the full units that have passed.
CREATE FUNCTION pg_catalog.datediff(text, timestamp, timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE redshift_date_part_name($1)
        WHEN 'year' THEN extract(year FROM $3) - extract(year FROM $2)
        WHEN 'quarter' THEN (extract(year FROM $3) - extract(year FROM $2)) * 4 + extract(quarter FROM $3) - extract(quarter FROM $2)
        WHEN 'month' THEN (extract(year FROM $3) - extract(year FROM $2)) * 12 + extract(month FROM $3) - extract(month FROM $2)
        WHEN 'week' THEN (date_trunc('week', $3 + interval '1 day')::date - date_trunc('week', $2 + interval '1 day')::date) / 7
        WHEN 'day' THEN $3::date - $2::date
        WHEN 'hour' THEN extract(epoch FROM date_trunc('hour', $3) - date_trunc('hour', $2)) / 3600
        WHEN 'minute' THEN extract(epoch FROM date_trunc('minute', $3) - date_trunc('minute', $2)) / 60
        WHEN 'second' THEN extract(epoch FROM date_trunc('second', $3) - date_trunc('second', $2))
        WHEN 'millisecond' THEN extract(epoch FROM date_trunc('milliseconds', $3) - date_trunc('milliseconds', $2)) * 1000
        ELSE extract(epoch FROM $3 - $2) * 1000000 END::bigint $$;
CREATE FUNCTION pg_catalog.convert_timezone(text, text, timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT
AS $$ SELECT $3 AT TIME ZONE $1 AT TIME ZONE $2 $$;
CREATE FUNCTION pg_catalog.convert_timezone(text, timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT
AS $$ SELECT $2 AT TIME ZONE 'UTC' AT TIME ZONE $1 $$;

CREATE FUNCTION pg_catalog.is_valid_json(text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1 IS JSON OBJECT $$;
CREATE FUNCTION pg_catalog.is_valid_json_array(text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1 IS JSON ARRAY $$;
CREATE FUNCTION pg_catalog.can_json_parse(text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1 IS JSON $$;
CREATE FUNCTION pg_catalog.json_parse(text) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1::jsonb $$;
CREATE FUNCTION pg_catalog.json_extract_path_text(text, VARIADIC text[]) RETURNS text LANGUAGE sql IMMUTABLE STRICT
AS $$ SELECT $1::jsonb #>> $2 $$;
CREATE FUNCTION pg_catalog.json_extract_array_element_text(text, integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT
AS $$ SELECT $1::jsonb ->> $2 $$;
CREATE FUNCTION pg_catalog.json_array_length(text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT jsonb_array_length($1::jsonb) $$;
CREATE FUNCTION pg_catalog.json_typeof(jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT jsonb_typeof($1) $$;
CREATE FUNCTION pg_catalog.get_array_length(jsonb) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT jsonb_array_length($1) $$;
CREATE FUNCTION pg_catalog.sha2(text, integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN CASE $2 WHEN 224 THEN encode(sha224(convert_to($1, 'UTF8')), 'hex') WHEN 384 THEN encode(sha384(convert_to($1, 'UTF8')), 'hex')
                   WHEN 512 THEN encode(sha512(convert_to($1, 'UTF8')), 'hex') ELSE encode(sha256(convert_to($1, 'UTF8')), 'hex') END;
END $$;
CREATE FUNCTION pg_catalog.strtol(text, integer) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    digits text := lower(ltrim($1, '+-'));
    digit integer;
    total bigint := 0;
BEGIN
    FOR i IN 1..length(digits) LOOP
        digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(digits, i, 1)) - 1;
        IF digit < 0 OR digit >= $2 THEN
            RAISE EXCEPTION 'The input % is not valid to be converted to base %', $1, $2;
        END IF;
        total := total * $2 + digit;
    END LOOP;
    RETURN CASE WHEN $1 LIKE '-%' THEN -total ELSE total END;
END $$;
