-- Databases of all warehouses that show zero-ETL integrations, and what was seen last of the integrations.

CREATE TABLE integration (
    warehouse text NOT NULL,
    id text NOT NULL,
    source_arn text NOT NULL,
    status text NOT NULL,
    PRIMARY KEY (warehouse, id)
);
CREATE TABLE integration_database (
    warehouse text NOT NULL,
    name text NOT NULL,
    integration_id text NOT NULL,
    source_database text NOT NULL,
    database_owner bigint NOT NULL,
    settings text NOT NULL,
    created timestamp NOT NULL,
    PRIMARY KEY (warehouse, name)
);
-- The tables of each, as the source had them at the last look.
CREATE TABLE integration_table (
    warehouse text NOT NULL,
    database_name text NOT NULL,
    table_name text NOT NULL,
    table_state text NOT NULL,
    reason text NOT NULL,
    table_rows bigint NOT NULL,
    updated timestamp NOT NULL,
    PRIMARY KEY (warehouse, database_name, table_name)
);
