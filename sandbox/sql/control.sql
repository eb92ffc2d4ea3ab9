-- The database that all warehouses of the server share: what ran and runs, and facts somebody put for a test.
-- Every warehouse database reads these tables as foreign tables, and shows each warehouse only its own rows.

CREATE SEQUENCE query_id START WITH 1001;
CREATE TABLE query (
    query_id bigint PRIMARY KEY,
    warehouse text NOT NULL,
    user_id bigint NOT NULL,
    user_name text NOT NULL,
    database_name text NOT NULL,
    session_id integer NOT NULL,
    transaction_id bigint NOT NULL,
    query_label text NOT NULL DEFAULT 'default',
    query_type text NOT NULL,
    status text NOT NULL DEFAULT 'running',
    query_text text NOT NULL,
    start_time timestamp NOT NULL DEFAULT clock_timestamp(),
    end_time timestamp,
    returned_rows bigint NOT NULL DEFAULT 0,
    returned_bytes bigint NOT NULL DEFAULT 0,
    error_message text
);
CREATE INDEX ON query (warehouse);

CREATE TABLE load_error (
    warehouse text NOT NULL,
    user_id bigint NOT NULL,
    user_name text NOT NULL,
    query_id bigint NOT NULL,
    table_id bigint NOT NULL,
    table_name text NOT NULL,
    session_id integer NOT NULL,
    database_name text NOT NULL,
    start_time timestamp NOT NULL DEFAULT clock_timestamp(),
    file_name text NOT NULL,
    line_number bigint NOT NULL,
    column_name text NOT NULL,
    column_type text NOT NULL,
    raw_line text NOT NULL,
    error_code integer NOT NULL,
    error_message text NOT NULL
);

CREATE TABLE alert (
    warehouse text NOT NULL,
    user_id bigint NOT NULL DEFAULT 100,
    query_id bigint NOT NULL,
    session_id integer NOT NULL DEFAULT 0,
    event text NOT NULL,
    solution text NOT NULL,
    event_time timestamp NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE recommendation (
    warehouse text NOT NULL,
    type text NOT NULL,
    database_name text NOT NULL,
    table_id bigint NOT NULL,
    group_id integer NOT NULL DEFAULT 0,
    ddl text NOT NULL,
    auto_eligible boolean NOT NULL DEFAULT false
);

CREATE TABLE capacity (warehouse text PRIMARY KEY, base_rpu double precision NOT NULL);
