"""Datashares between two warehouses: the consumer reads the producer's rows as they are, and only what it may."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.warehouse import ADMIN, PASSWORD, Warehouse, error_of

ROWS = "SELECT id FROM orders_db.sales.orders ORDER BY id"


@pytest.fixture
def producer(warehouse: Warehouse) -> Warehouse:
    """Has `sales.orders` with two rows and a datashare `orders` that holds it."""
    warehouse.run(
        "CREATE SCHEMA sales", "CREATE TABLE sales.orders (id int, note varchar(20))", "INSERT INTO sales.orders VALUES (1, 'a'), (2, 'b')",
        "CREATE TABLE sales.secrets (id int)", "CREATE DATASHARE orders", "ALTER DATASHARE orders ADD SCHEMA sales", "ALTER DATASHARE orders ADD TABLE sales.orders",
    )  # fmt: skip
    return warehouse


def shared(producer: Warehouse, consumer: Warehouse, permissions: str = "") -> None:
    """Let the consumer read the datashare `orders` as the database `orders_db`."""
    producer.run(f"GRANT USAGE ON DATASHARE orders TO NAMESPACE '{namespace(consumer)}'")
    consumer.run(f"CREATE DATABASE orders_db {permissions} FROM DATASHARE orders OF NAMESPACE '{namespace(producer)}'")


def namespace(warehouse: Warehouse) -> str:
    found = warehouse.value("SELECT current_namespace")
    assert found
    return found


def test_the_consumer_reads_rows_as_they_are_now(producer: Warehouse, consumer: Warehouse) -> None:
    shared(producer, consumer)
    assert consumer.run(ROWS) == [("1",), ("2",)]
    producer.run(
        "INSERT INTO sales.orders VALUES (3, 'c')",
        "ALTER TABLE sales.orders ADD COLUMN paid boolean",
        "UPDATE sales.orders SET paid = true",
    )
    assert consumer.run(
        "SELECT o.*, orders_db.note FROM orders_db.sales.orders o JOIN orders_db.sales.orders orders_db USING (id) WHERE id = 3"
    ) == [("3", "c", "t", "c")]
    consumer.run("CREATE TABLE mine AS SELECT orders.id FROM orders_db.sales.orders WHERE id > 1")
    assert consumer.value("SELECT count(*) FROM mine") == "2"


def test_what_is_not_in_the_datashare_is_not_there(producer: Warehouse, consumer: Warehouse) -> None:
    shared(producer, consumer)
    assert 'relation "orders_db.sales.secrets" does not exist' in error_of(consumer.run, "SELECT * FROM orders_db.sales.secrets")


def test_shared_data_is_read_only(producer: Warehouse, consumer: Warehouse) -> None:
    shared(producer, consumer)
    for change in (
        "INSERT INTO orders_db.sales.orders VALUES (9)",
        "DELETE FROM orders_db.sales.orders",
        "UPDATE orders_db.sales.orders SET id = 0",
    ):
        assert "permission denied" in error_of(consumer.run, change)
    assert producer.value("SELECT count(*) FROM sales.orders") == "2"


@pytest.mark.parametrize(
    "taken",
    [
        "ALTER DATASHARE orders REMOVE TABLE sales.orders",
        "REVOKE USAGE ON DATASHARE orders FROM NAMESPACE '{consumer}'",
        "DROP DATASHARE orders",
    ],
)
def test_what_is_taken_away_cannot_be_read_any_more_not_even_by_a_view(producer: Warehouse, consumer: Warehouse, taken: str) -> None:
    shared(producer, consumer)
    consumer.run("CREATE VIEW seen AS SELECT id FROM orders_db.sales.orders WITH NO SCHEMA BINDING")
    assert consumer.value("SELECT count(*) FROM seen") == "2"
    producer.run(taken.format(consumer=namespace(consumer)))
    assert 'relation "orders_db.sales.orders" does not exist' in error_of(consumer.run, ROWS)
    assert error_of(consumer.run, "SELECT * FROM seen")
    if "TABLE" not in taken:
        assert consumer.run("SELECT * FROM svv_datashares") == []
    assert consumer.run("SELECT database_type FROM svv_redshift_databases WHERE database_name = 'orders_db'") == [("shared",)]


def test_only_users_with_usage_on_the_database_read_it(producer: Warehouse, consumer: Warehouse) -> None:
    shared(producer, consumer)
    consumer.run(
        f"CREATE USER alice PASSWORD '{PASSWORD}'", f"CREATE USER bob PASSWORD '{PASSWORD}'", "CREATE ROLE analyst", "GRANT ROLE analyst TO alice",
        "GRANT USAGE ON DATABASE orders_db TO ROLE analyst", "CREATE VIEW seen AS SELECT id FROM orders_db.sales.orders WITH NO SCHEMA BINDING",
        "GRANT SELECT ON seen TO bob",
    )  # fmt: skip
    assert consumer.run(ROWS, user="alice") == [("1",), ("2",)]
    assert "permission denied for database orders_db" in error_of(consumer.run, ROWS, user="bob")
    assert consumer.run("SELECT id FROM seen ORDER BY id", user="bob") == [("1",), ("2",)]
    consumer.run("REVOKE USAGE ON DATABASE orders_db FROM ROLE analyst")
    assert "permission denied" in error_of(consumer.run, ROWS, user="alice")
    assert "WITH PERMISSIONS" in error_of(consumer.run, "GRANT SELECT ON orders_db.sales.orders TO bob")


def test_a_database_with_permissions_needs_them_on_each_object(producer: Warehouse, consumer: Warehouse) -> None:
    producer.run("ALTER DATASHARE orders ADD TABLE sales.secrets")
    shared(producer, consumer, "WITH PERMISSIONS")
    consumer.run(f"CREATE USER alice PASSWORD '{PASSWORD}'", "GRANT USAGE ON DATABASE orders_db TO alice")
    assert "permission denied for schema orders_db.sales" in error_of(consumer.run, ROWS, user="alice")
    consumer.run("GRANT USAGE ON SCHEMA orders_db.sales TO alice")
    assert "permission denied" in error_of(consumer.run, ROWS, user="alice")
    consumer.run("GRANT SELECT ON TABLE orders_db.sales.orders TO alice")
    assert consumer.run(ROWS, user="alice") == [("1",), ("2",)]
    assert "permission denied" in error_of(consumer.run, "SELECT * FROM orders_db.sales.secrets", user="alice")
    consumer.run("GRANT SELECT ON ALL TABLES IN SCHEMA orders_db.sales TO alice")
    assert consumer.value("SELECT count(*) FROM orders_db.sales.secrets", user="alice") == "0"


@pytest.mark.parametrize(
    ("policy", "word", "allowed"),
    [
        (
            (
                "CREATE RLS POLICY p WITH (id int) USING (id > 1)",
                "ATTACH RLS POLICY p ON sales.orders TO PUBLIC",
                "ALTER TABLE sales.orders ROW LEVEL SECURITY ON",
            ),
            "RLS",
            "ALTER TABLE sales.orders ROW LEVEL SECURITY OFF FOR DATASHARES",
        ),
        (
            ("CREATE MASKING POLICY p WITH (id int) USING (0)", "ATTACH MASKING POLICY p ON sales.orders (id) TO PUBLIC"),
            "MASKING",
            "ALTER TABLE sales.orders MASKING OFF FOR DATASHARES",
        ),
    ],
)
def test_what_policies_protect_is_not_read_through_a_datashare(
    producer: Warehouse, consumer: Warehouse, policy: tuple[str, ...], word: str, allowed: str
) -> None:
    shared(producer, consumer)
    producer.run(*policy)
    assert f'{word}-protected relation "orders" cannot be accessed via datasharing query' in error_of(consumer.run, ROWS)
    producer.run(allowed)
    assert consumer.run(ROWS) == [("1",), ("2",)]


def test_new_tables_are_shared_where_the_datashare_includes_them(producer: Warehouse, consumer: Warehouse) -> None:
    shared(producer, consumer)
    producer.run(
        "ALTER DATASHARE orders SET INCLUDENEW = TRUE FOR SCHEMA sales",
        "CREATE TABLE sales.later (id int)",
        "CREATE VIEW sales.v AS SELECT 7 AS n",
    )
    assert consumer.value("SELECT count(*) FROM orders_db.sales.later") == "0"
    assert consumer.value("SELECT n FROM orders_db.sales.v") == "7"
    producer.run("ALTER DATASHARE orders SET INCLUDENEW FALSE FOR SCHEMA sales", "CREATE TABLE sales.last (id int)")
    assert "does not exist" in error_of(consumer.run, "SELECT * FROM orders_db.sales.last")


def test_the_system_views_show_what_is_given_and_taken(producer: Warehouse, consumer: Warehouse) -> None:
    shared(producer, consumer)
    assert producer.run("SELECT share_name, share_type, source_database, is_publicaccessible, producer_namespace FROM svv_datashares") == [
        ("orders", "OUTBOUND", "dev", "f", namespace(producer))
    ]
    assert producer.run("SELECT object_type, object_name, include_new FROM svv_datashare_objects ORDER BY 1") == [
        ("schema", "sales", "f"),
        ("table", "sales.orders", None),
    ]
    assert producer.run("SELECT share_name, consumer_account, consumer_namespace FROM svv_datashare_consumers") == [
        ("orders", None, namespace(consumer))
    ]
    assert consumer.run("SELECT share_name, share_type, consumer_database, producer_namespace FROM svv_datashares") == [
        ("orders", "INBOUND", "orders_db", namespace(producer))
    ]
    assert consumer.run(
        "SELECT share_type, share_name, object_type, object_name, producer_namespace FROM svv_datashare_objects ORDER BY 3"
    ) == [
        ("INBOUND", "orders", "schema", "sales", namespace(producer)),
        ("INBOUND", "orders", "table", "sales.orders", namespace(producer)),
    ]
    producer.run("DROP TABLE sales.orders", "CREATE TABLE sales.orders (id int)")
    assert producer.run("SELECT object_name FROM svv_datashare_objects WHERE object_type = 'table'") == []


def test_a_transaction_that_is_rolled_back_shares_nothing(producer: Warehouse, consumer: Warehouse) -> None:
    with producer.session() as session:
        session.begin()
        session.execute("CREATE DATASHARE other")
        session.execute("ALTER DATASHARE other ADD SCHEMA sales")
        session.execute("ALTER DATASHARE other ADD ALL TABLES IN SCHEMA sales")
        session.execute(f"GRANT USAGE ON DATASHARE other TO NAMESPACE '{namespace(consumer)}'")
        session.rollback()
    assert producer.run("SELECT share_name FROM svv_datashares") == [("orders",)]
    assert consumer.run("SELECT share_name FROM svv_datashares") == []


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("CREATE DATASHARE orders", "already exists"),
        ("ALTER DATASHARE nope ADD SCHEMA sales", "does not exist"),
        ("ALTER DATASHARE orders ADD SCHEMA nope", 'schema "nope" does not exist'),
        ("ALTER DATASHARE orders ADD SCHEMA sales", "already in"),
        ("ALTER DATASHARE orders ADD TABLE public.x", "add it first"),
        ("ALTER DATASHARE orders ADD TABLE sales.orders", "already in"),
        ("ALTER DATASHARE orders ADD TABLE sales.nope", "does not exist"),
        ("ALTER DATASHARE orders REMOVE SCHEMA sales", "while objects in it are shared"),
        ("ALTER DATASHARE orders REMOVE TABLE sales.secrets", "does not contain"),
        ("ALTER DATASHARE orders ADD FUNCTION sales.f (int)", "not supported"),
        ("ALTER DATASHARE orders ADD NOTHING sales", "syntax error"),
        ("GRANT USAGE ON DATASHARE orders TO ACCOUNT '12'", "invalid account"),
        ("GRANT USAGE ON DATASHARE orders TO NAMESPACE '{own}'", "belongs to"),
        ("CREATE DATABASE x FROM DATASHARE nope OF NAMESPACE '{own}'", "does not exist or is not shared"),
    ],
)
def test_what_redshift_refuses_is_refused(producer: Warehouse, sql: str, reason: str) -> None:
    assert reason in error_of(producer.run, sql.format(own=namespace(producer)))


def test_only_owners_and_superusers_make_and_change_datashares(producer: Warehouse) -> None:
    producer.run(f"CREATE USER alice PASSWORD '{PASSWORD}'")
    assert "permission denied to create datashare" in error_of(producer.run, "CREATE DATASHARE mine", user="alice")
    assert "must be owner" in error_of(producer.run, "ALTER DATASHARE orders REMOVE TABLE sales.orders", user="alice")


def test_a_dropped_database_shows_nothing_and_can_be_made_again(producer: Warehouse, consumer: Warehouse) -> None:
    shared(producer, consumer)
    consumer.run("CREATE VIEW seen AS SELECT id FROM orders_db.sales.orders WITH NO SCHEMA BINDING", "DROP DATABASE orders_db")
    assert "another database" in error_of(consumer.run, ROWS)
    assert "does not exist" in error_of(consumer.run, "SELECT * FROM seen")
    consumer.run(
        f"CREATE DATABASE orders_db WITH PERMISSIONS FROM DATASHARE orders OF ACCOUNT '000000000000' NAMESPACE '{namespace(producer)}'"
    )
    assert consumer.run(ROWS) == [("1",), ("2",)]
    assert consumer.value("SELECT count(*) FROM seen") == "2"


def test_many_read_it_for_the_first_time_at_once(producer: Warehouse, consumer: Warehouse) -> None:
    shared(producer, consumer)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(consumer.run, [ROWS] * 8)) == [[("1",), ("2",)]] * 8


def test_a_stopped_producer_can_still_be_read(producer: Warehouse, consumer: Warehouse) -> None:
    shared(producer, consumer)
    producer.databases.stop(producer.key)
    assert consumer.run(ROWS) == [("1",), ("2",)]


def test_a_copy_keeps_the_datashare_without_its_consumers(producer: Warehouse, consumer: Warehouse) -> None:
    shared(producer, consumer)
    copy = f"{producer.key}-copy"
    producer.databases.copy(producer.key, copy)
    try:
        with producer.databases.session(copy, "dev", ADMIN) as session:
            assert session.execute("SELECT share_name FROM svv_datashares").rows == [("orders",)]
            assert session.execute("SELECT object_name FROM svv_datashare_objects ORDER BY 1").rows == [("sales",), ("sales.orders",)]
            assert session.execute("SELECT * FROM svv_datashare_consumers").rows == []
            session.execute("INSERT INTO sales.orders VALUES (3)")
        assert consumer.run(ROWS) == [("1",), ("2",)]
    finally:
        producer.databases.drop(copy)
