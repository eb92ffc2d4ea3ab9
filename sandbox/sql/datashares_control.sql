-- Datashares of all warehouses. What is shared stands in the rights of a role of each share (`<prefix>!share_<digest of its name>`), which is granted to
-- the role that a consumer's warehouse reads with (`<prefix>!consumer`). A share's id is the number of its role.

CREATE TABLE namespace (warehouse text PRIMARY KEY, id text NOT NULL);
CREATE TABLE datashare (
    share_id bigint PRIMARY KEY,
    warehouse text NOT NULL,
    name text NOT NULL,
    physical_database text NOT NULL,
    source_database text NOT NULL,
    share_owner bigint NOT NULL,
    is_publicaccessible boolean NOT NULL,
    createdate timestamp NOT NULL,
    UNIQUE (warehouse, name)
);
-- `status` is that of DescribeDataShares. A namespace of the same account is ACTIVE at once.
CREATE TABLE datashare_consumer (
    share_id bigint NOT NULL,
    account text NOT NULL,
    namespace text NOT NULL,
    via_data_catalog boolean NOT NULL,
    status text NOT NULL,
    share_date timestamp NOT NULL,
    status_date timestamp NOT NULL,
    PRIMARY KEY (share_id, account, namespace, via_data_catalog)
);
CREATE TABLE shared_database (
    warehouse text NOT NULL,
    name text NOT NULL,
    share_id bigint NOT NULL,
    share_name text NOT NULL,
    producer_namespace text NOT NULL,
    database_owner bigint NOT NULL,
    with_permissions boolean NOT NULL,
    PRIMARY KEY (warehouse, name)
);
-- Empty names stand for the whole database or schema. `grantee` is the number of a role, 0 for PUBLIC.
CREATE TABLE shared_grant (
    warehouse text NOT NULL,
    database_name text NOT NULL,
    schema_name text NOT NULL,
    relation_name text NOT NULL,
    grantee bigint NOT NULL,
    PRIMARY KEY (warehouse, database_name, schema_name, relation_name, grantee)
);
