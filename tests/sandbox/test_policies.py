"""The local Redshift hides what its policies hide: rows and values, from those for whom they hold, in tables and through views."""

from __future__ import annotations

import json

import pytest

from sandbox.sql.databases import Databases
from tests.sandbox.warehouse import ADMIN, PASSWORD, Warehouse, error_of

MASK = "CREATE MASKING POLICY hide WITH (value varchar(32)) USING ('***'::varchar)"
CONCERTS = "CREATE RLS POLICY concerts WITH (kind varchar(10)) USING (kind = 'concert')"


@pytest.fixture
def staffed(warehouse: Warehouse) -> Warehouse:
    """Cards of two people and events of three kinds, which everybody may read; alice is an analyst, bob has no role."""
    for user in ("alice", "bob"):
        warehouse.run(f"CREATE USER {user} PASSWORD '{PASSWORD}'")
    warehouse.run("CREATE ROLE analyst", "CREATE ROLE reader", "GRANT ROLE analyst TO alice")
    warehouse.run(
        "CREATE TABLE cards (id int, card varchar(32), owner varchar(32))",
        "INSERT INTO cards VALUES (1, '4111222233334444', 'ann'), (2, '5111222233334444', 'ben')",
        "CREATE TABLE events (kind varchar(10), price int)",
        "INSERT INTO events VALUES ('concert', 10), ('concert', 20), ('sport', 30), ('play', 40)",
        "GRANT SELECT, UPDATE, DELETE, INSERT ON cards TO PUBLIC",
        "GRANT SELECT, UPDATE, DELETE, INSERT ON events TO PUBLIC",
    )
    return warehouse


def cards(warehouse: Warehouse, user: str, relation: str = "cards") -> list[str | None]:
    return [card for (card,) in warehouse.run(f"SELECT card FROM {relation} ORDER BY id", user=user)]  # noqa: S608 - a name of the test's own


# Masking ------------------------------------------------------------------------------------------------------------


def test_a_mask_changes_what_a_role_sees_and_nobody_else(staffed: Warehouse) -> None:
    staffed.run(MASK, "ATTACH MASKING POLICY hide ON cards (card) TO ROLE analyst")
    assert cards(staffed, "alice") == ["***", "***"]
    assert cards(staffed, "bob") == ["4111222233334444", "5111222233334444"]
    assert staffed.run("SELECT * FROM cards c WHERE c.id = 1", user="alice") == [("1", "***", "ann")]
    staffed.run("DETACH MASKING POLICY hide ON cards (card) FROM ROLE analyst")
    assert cards(staffed, "alice") == ["4111222233334444", "5111222233334444"]


def test_the_highest_priority_wins_among_a_users_own_his_roles_and_public(staffed: Warehouse) -> None:
    staffed.run(
        MASK,
        "CREATE MASKING POLICY last WITH (value varchar(32)) USING ('...' || right(value, 4))",
        "CREATE MASKING POLICY raw WITH (value varchar(32)) USING (value)",
        "ATTACH MASKING POLICY hide ON cards (card) TO PUBLIC",
        "ATTACH MASKING POLICY last ON cards (card) TO ROLE analyst PRIORITY 20",
    )
    assert cards(staffed, "alice") == ["...4444", "...4444"]
    assert cards(staffed, "bob") == ["***", "***"]
    staffed.run("ATTACH MASKING POLICY raw ON cards (card) TO alice PRIORITY 30")
    assert cards(staffed, "alice") == ["4111222233334444", "5111222233334444"]


def test_a_mask_reaches_through_roles_that_are_granted_to_roles(staffed: Warehouse) -> None:
    staffed.run(MASK, "GRANT ROLE reader TO ROLE analyst", "ATTACH MASKING POLICY hide ON cards (card) TO ROLE reader")
    assert cards(staffed, "alice") == ["***", "***"]
    staffed.run("REVOKE ROLE reader FROM ROLE analyst")
    assert cards(staffed, "alice") == ["4111222233334444", "5111222233334444"]


def test_a_mask_may_look_at_other_columns_and_mask_several(staffed: Warehouse) -> None:
    staffed.run(
        "CREATE MASKING POLICY own WITH (card varchar(32), owner varchar(32), id int) "
        "USING (CASE WHEN owner = 'ann' THEN card ELSE 'x' END, CASE WHEN id = 1 THEN owner END)",
        "ATTACH MASKING POLICY own ON cards (card, owner) USING (card, owner, id) TO PUBLIC",
    )
    assert staffed.run("SELECT card, owner FROM cards ORDER BY id", user="bob") == [("4111222233334444", "ann"), ("x", None)]


def test_conditions_and_joins_work_on_masked_values(staffed: Warehouse) -> None:
    staffed.run(MASK, "ATTACH MASKING POLICY hide ON cards (card) TO ROLE analyst")
    assert staffed.run("SELECT id FROM cards WHERE card = '4111222233334444'", user="alice") == []
    assert staffed.value("SELECT count(*) FROM cards a JOIN cards b ON a.card = b.card", user="alice") == "4"
    assert staffed.run("SELECT id FROM cards WHERE card = '4111222233334444'", user="bob") == [("1",)]


def test_a_mask_holds_through_views_for_who_asks_and_not_for_who_made_them(staffed: Warehouse) -> None:
    staffed.run(
        "CREATE VIEW shown AS SELECT id, card AS number FROM cards c",
        "CREATE VIEW again AS SELECT s.number || '!' AS loud FROM shown s JOIN cards USING (id)",
        "GRANT SELECT ON again TO PUBLIC",
        MASK,
        "ATTACH MASKING POLICY hide ON cards (card) TO ROLE analyst",
        "REVOKE SELECT ON cards FROM PUBLIC",
    )
    assert staffed.run("SELECT loud FROM again LIMIT 1", user="alice") == [("***!",)]
    assert staffed.run("SELECT loud FROM again ORDER BY 1 LIMIT 1", user="bob") == [("4111222233334444!",)]
    assert "permission denied" in error_of(staffed.run, "SELECT number FROM shown", user="alice")
    assert "permission denied" in error_of(staffed.run, "SELECT card FROM cards", user="alice")


def test_a_mask_can_be_attached_to_a_view_and_to_a_materialized_view(staffed: Warehouse) -> None:
    staffed.run(
        "CREATE VIEW shown AS SELECT id, card FROM cards",
        "CREATE MATERIALIZED VIEW kept AS SELECT id, card FROM cards",
        "GRANT SELECT ON shown TO PUBLIC",
        "GRANT SELECT ON kept TO PUBLIC",
        MASK,
        "ATTACH MASKING POLICY hide ON shown (card) TO ROLE analyst",
        "ATTACH MASKING POLICY hide ON kept (card) TO ROLE analyst",
    )
    for relation in ("shown", "kept"):
        assert cards(staffed, "alice", relation) == ["***", "***"], relation
        assert cards(staffed, "bob", relation) == ["4111222233334444", "5111222233334444"], relation
    assert cards(staffed, "alice") == ["4111222233334444", "5111222233334444"]


def test_what_is_copied_or_unloaded_is_masked_too(staffed: Warehouse) -> None:
    staffed.run(MASK, "ATTACH MASKING POLICY hide ON cards (card) TO ROLE analyst", "GRANT CREATE ON SCHEMA public TO alice")
    staffed.run("CREATE TABLE mine AS SELECT * FROM cards", "INSERT INTO mine SELECT * FROM cards", user="alice")
    assert staffed.run("SELECT DISTINCT card FROM mine") == [("***",)]
    staffed.files.buckets.add("lake")
    staffed.run("UNLOAD ('SELECT card FROM cards') TO 's3://lake/cards' IAM_ROLE default PARALLEL OFF", user="alice")
    assert staffed.files.s3_get("lake", "cards000") == b"***\n***\n"


def test_common_table_expressions_do_not_hide_a_masked_table(staffed: Warehouse) -> None:
    staffed.run(MASK, "ATTACH MASKING POLICY hide ON cards (card) TO ROLE analyst")
    query = "WITH cards AS (SELECT * FROM cards) SELECT DISTINCT card FROM cards"
    assert staffed.run(query, user="alice") == [("***",)]
    assert staffed.run("SELECT (SELECT max(card) FROM public.cards), x.card FROM public.cards x LIMIT 1", user="alice") == [("***", "***")]


def test_masked_columns_are_not_read_by_a_change_of_their_table(staffed: Warehouse) -> None:
    staffed.run(MASK, "ATTACH MASKING POLICY hide ON cards (card) TO ROLE analyst")
    assert "not supported" in error_of(staffed.run, "DELETE FROM cards WHERE card LIKE '4%'", user="alice")
    staffed.run("UPDATE cards SET card = 'new' WHERE id = 1", user="alice")
    assert staffed.run("SELECT card FROM cards WHERE id = 1") == [("new",)]


@pytest.mark.parametrize("sql", ["CALL show()", "DECLARE c CURSOR FOR SELECT * FROM cards", "PREPARE p AS SELECT * FROM cards"])
def test_what_runs_queries_by_itself_is_refused_to_the_masked(staffed: Warehouse, sql: str) -> None:
    staffed.run("CREATE PROCEDURE show() LANGUAGE plpgsql AS $$ BEGIN RETURN; END $$", MASK)
    staffed.run("ATTACH MASKING POLICY hide ON cards (card) TO ROLE analyst")
    assert "not supported in the sandbox" in error_of(staffed.run, "BEGIN", sql, user="alice")
    staffed.run("BEGIN", sql, user="bob")


def test_a_mask_looks_things_up_where_it_was_allowed_to(staffed: Warehouse) -> None:
    staffed.run("CREATE TABLE known (card varchar(32))", "INSERT INTO known VALUES ('4111222233334444')")
    staffed.run(
        "CREATE MASKING POLICY look WITH (number varchar(32)) USING (CASE WHEN number IN (SELECT card FROM known) THEN number ELSE '-' END)",
        "ATTACH MASKING POLICY look ON cards (card) TO PUBLIC",
    )
    assert "permission denied for relation known" in error_of(cards, staffed, "bob")
    staffed.run("GRANT SELECT ON TABLE known TO MASKING POLICY look")
    assert cards(staffed, "bob") == ["4111222233334444", "-"]


def test_attachments_that_aws_refuses_are_refused(staffed: Warehouse) -> None:
    staffed.run(MASK, "CREATE MASKING POLICY other WITH (value varchar(32)) USING (upper(value))")
    staffed.run("ATTACH MASKING POLICY hide ON cards (card) TO ROLE analyst PRIORITY 5")
    attach = "ATTACH MASKING POLICY other ON cards (card) TO"
    assert "same priority" in error_of(staffed.run, f"{attach} PUBLIC PRIORITY 5")
    assert "for the same role" in error_of(staffed.run, f"{attach} ROLE analyst PRIORITY 6")
    assert "already attached" in error_of(staffed.run, "ATTACH MASKING POLICY hide ON cards (card) TO ROLE analyst PRIORITY 5")
    staffed.run("ATTACH MASKING POLICY hide ON cards (card) TO bob PRIORITY 5")
    for sql, message in {
        "ATTACH MASKING POLICY hide ON cards (nothing) TO PUBLIC": 'column "nothing"',
        "ATTACH MASKING POLICY none ON cards (card) TO PUBLIC": 'policy "none" does not exist',
        "ATTACH MASKING POLICY hide ON cards (card, owner) TO PUBLIC": "takes 1 columns",
        "ATTACH MASKING POLICY hide ON cards (card) TO ROLE nobody": 'role "nobody" does not exist',
        "ATTACH MASKING POLICY hide ON svv_tables (table_name) TO PUBLIC": "cannot be attached",
        "ATTACH MASKING POLICY hide ON cards (card) TO GROUP team": "syntax error",
        "DROP MASKING POLICY hide": "is attached",
        "DETACH MASKING POLICY hide ON cards (card) FROM PUBLIC": "is not attached",
        "ALTER MASKING POLICY hide USING (1)": "different types",
        "CREATE MASKING POLICY bad WITH (a int) USING (b)": 'column "b" does not exist',
        "CREATE MASKING POLICY hide WITH (a int) USING (a)": "already exists",
    }.items():
        assert message in error_of(staffed.run, sql), sql


def test_an_altered_mask_holds_at_once(staffed: Warehouse) -> None:
    staffed.run(MASK, "ATTACH MASKING POLICY hide ON cards (card) TO PUBLIC", "ALTER MASKING POLICY hide USING ('gone'::text)")
    assert cards(staffed, "bob") == ["gone", "gone"]


def test_the_views_tell_masks_in_redshifts_own_form(staffed: Warehouse) -> None:
    staffed.run(
        "CREATE MASKING POLICY hide WITH (value varchar(32), other int) USING (upper(value) || 'x')",
        "ATTACH MASKING POLICY hide ON cards (card) USING (card, id) TO ROLE analyst PRIORITY 7",
    )
    [(name, inputs, expression)] = staffed.run("SELECT policy_name, input_columns, policy_expression FROM svv_masking_policy")
    assert (name, json.loads(inputs or "")) == (
        "hide",
        [{"colname": "value", "type": "character varying(32)"}, {"colname": "other", "type": "integer"}],
    )
    assert json.loads(expression or "")[0]["expr"] == 'UPPER("masked_table"."value") || \'x\''
    assert staffed.run("SELECT * FROM svv_attached_masking_policy") == [
        ("hide", "public", "cards", "table", ADMIN, "analyst", "role", "7", '["card", "id"]', '["card"]', "t")
    ]
    assert staffed.run("SELECT * FROM svv_attached_masking_policy", user="alice") == []
    assert staffed.run("SELECT * FROM svv_masking_policy", user="alice") == []


def test_ordinary_users_change_no_policies(staffed: Warehouse) -> None:
    staffed.run(MASK, CONCERTS)
    for sql in (
        MASK.replace("hide", "mine"),
        "ALTER MASKING POLICY hide USING (value)",
        "DROP MASKING POLICY hide",
        "ATTACH MASKING POLICY hide ON cards (card) TO alice",
        "DROP RLS POLICY concerts",
        "ALTER TABLE cards ROW LEVEL SECURITY OFF",
        "SELECT * FROM redshift_shown('SELECT * FROM cards', 'x') AS t (id int)",
    ):
        assert "permission denied" in error_of(staffed.run, sql, user="alice"), sql


# Row-level security -------------------------------------------------------------------------------------------------


def kinds(warehouse: Warehouse, user: str, relation: str = "events") -> list[str | None]:
    return [kind for (kind,) in warehouse.run(f"SELECT kind FROM {relation} ORDER BY price", user=user)]  # noqa: S608 - a name of the test's own


def test_rows_are_hidden_once_it_is_on_and_all_of_them_without_a_policy(staffed: Warehouse) -> None:
    staffed.run(CONCERTS, "ATTACH RLS POLICY concerts ON TABLE events TO ROLE analyst")
    assert len(kinds(staffed, "alice")) == 4
    staffed.run("ALTER TABLE events ROW LEVEL SECURITY ON")
    assert kinds(staffed, "alice") == ["concert", "concert"]
    assert kinds(staffed, "bob") == []
    assert len(kinds(staffed, ADMIN)) == 4
    staffed.run("ALTER TABLE events ROW LEVEL SECURITY OFF")
    assert len(kinds(staffed, "bob")) == 4


@pytest.mark.parametrize(
    ("conjunction", "seen"), [("", []), (" CONJUNCTION TYPE AND", []), (" CONJUNCTION TYPE OR", ["concert", "concert", "sport"])]
)
def test_several_policies_are_put_together_as_the_table_says(staffed: Warehouse, conjunction: str, seen: list[str]) -> None:
    staffed.run(
        CONCERTS,
        "CREATE RLS POLICY sports WITH (kind varchar(10)) USING (kind = 'sport')",
        "ATTACH RLS POLICY concerts ON events TO ROLE analyst",
        "ATTACH RLS POLICY sports ON events TO PUBLIC",
        f"ALTER TABLE events ROW LEVEL SECURITY ON{conjunction}",
    )
    assert kinds(staffed, "alice") == seen
    assert kinds(staffed, "bob") == ["sport"]


def test_only_rows_that_are_seen_are_changed(staffed: Warehouse) -> None:
    staffed.run(CONCERTS, "ATTACH RLS POLICY concerts ON events TO ROLE analyst", "ALTER TABLE events ROW LEVEL SECURITY ON")
    staffed.run("UPDATE events SET price = price + 100", "DELETE FROM events WHERE price IN (110, 30)", user="alice")
    assert staffed.run("SELECT kind, price FROM events ORDER BY price") == [("sport", "30"), ("play", "40"), ("concert", "120")]
    staffed.run("INSERT INTO events VALUES ('sport', 1)", user="alice")
    assert staffed.value("SELECT count(*) FROM events") == "4"


def test_rows_are_filtered_through_views_for_who_asks(staffed: Warehouse) -> None:
    staffed.run(
        "CREATE VIEW dear AS SELECT e.* FROM events e WHERE price > 15",
        "GRANT SELECT ON dear TO PUBLIC",
        CONCERTS,
        "ATTACH RLS POLICY concerts ON events TO ROLE analyst",
        "ALTER TABLE events ROW LEVEL SECURITY ON",
    )
    assert kinds(staffed, "alice", "dear") == ["concert"]
    assert kinds(staffed, "bob", "dear") == []
    assert len(kinds(staffed, ADMIN, "dear")) == 3


def test_views_and_materialized_views_have_rows_of_their_own(staffed: Warehouse) -> None:
    staffed.run(
        "CREATE VIEW shown AS SELECT * FROM events",
        "CREATE MATERIALIZED VIEW kept AS SELECT * FROM events",
        "GRANT SELECT ON shown TO PUBLIC",
        "GRANT SELECT ON kept TO PUBLIC",
        CONCERTS,
        "ATTACH RLS POLICY concerts ON shown, kept TO ROLE analyst, bob",
        "ALTER TABLE shown ROW LEVEL SECURITY ON",
        "ALTER MATERIALIZED VIEW kept ROW LEVEL SECURITY ON",
    )
    for relation in ("shown", "kept"):
        assert kinds(staffed, "alice", relation) == kinds(staffed, "bob", relation) == ["concert", "concert"], relation
    assert len(kinds(staffed, "bob")) == 4


def test_a_policy_knows_who_asks_and_what_was_set_for_the_session(staffed: Warehouse) -> None:
    staffed.run(
        "CREATE RLS POLICY own WITH (owner varchar(32)) AS c USING (c.owner = current_user OR c.owner = current_setting('app.person', true))",
        "UPDATE cards SET owner = 'bob' WHERE id = 2",
        "ATTACH RLS POLICY own ON cards TO PUBLIC",
        "ALTER TABLE cards ROW LEVEL SECURITY ON",
    )
    assert staffed.run("SELECT id FROM cards", user="bob") == [("2",)]
    assert staffed.run("SELECT id FROM cards", user="alice") == []
    assert staffed.run("SELECT set_config('app.person', 'ann', false)", "SELECT id FROM cards", user="alice") == [("1",)]


def test_a_policy_looks_up_what_its_users_may_not_read(staffed: Warehouse) -> None:
    staffed.run(
        "CREATE TABLE allowed (person varchar(32), kind varchar(10))",
        "INSERT INTO allowed VALUES ('alice', 'play'), ('bob', 'sport')",
        "CREATE RLS POLICY listed WITH (kind varchar(10)) AS e USING (e.kind IN (SELECT a.kind FROM allowed a WHERE a.person = current_user))",
        "ATTACH RLS POLICY listed ON events TO PUBLIC",
        "ALTER TABLE events ROW LEVEL SECURITY ON",
    )
    assert kinds(staffed, "alice") == ["play"]
    assert kinds(staffed, "bob") == ["sport"]
    assert "permission denied" in error_of(staffed.run, "SELECT * FROM allowed", user="alice")
    staffed.run("DELETE FROM events", user="alice")
    assert kinds(staffed, ADMIN) == ["concert", "concert", "sport"]


def test_rows_are_hidden_before_values_are_masked(staffed: Warehouse) -> None:
    staffed.run(
        CONCERTS,
        "CREATE MASKING POLICY hide WITH (value varchar(10)) USING ('***'::text)",
        "ATTACH RLS POLICY concerts ON events TO PUBLIC",
        "ATTACH MASKING POLICY hide ON events (kind) TO PUBLIC",
        "ALTER TABLE events ROW LEVEL SECURITY ON",
    )
    assert kinds(staffed, "bob") == ["***", "***"]


def test_policies_that_aws_refuses_are_refused(staffed: Warehouse) -> None:
    staffed.run(CONCERTS, "CREATE VIEW shown AS SELECT id FROM cards", "ATTACH RLS POLICY concerts ON events TO ROLE analyst")
    for sql, message in {
        f"ATTACH RLS POLICY concerts ON events TO {ADMIN}": "superuser",
        "ATTACH RLS POLICY concerts ON cards TO PUBLIC": 'column "kind"',
        "ATTACH RLS POLICY concerts ON events TO ROLE analyst": "already attached",
        "DROP RLS POLICY concerts": "is attached",
        "CREATE RLS POLICY v WITH (a int) USING (a IN (SELECT id FROM shown))": "cannot be used",
        "CREATE RLS POLICY v WITH (a int) USING (a + 1)": "must be type boolean",
        "ALTER TABLE events DROP COLUMN kind": "depends on it",
        "ALTER TABLE events RENAME COLUMN kind TO sort": "depends on it",
    }.items():
        assert message in error_of(staffed.run, sql), sql
    staffed.run("CREATE RLS POLICY named WITH (kind varchar(10)) AS e USING (e.kind = 'x')")
    assert "different aliases" in error_of(staffed.run, "ATTACH RLS POLICY named ON events TO PUBLIC")
    staffed.run("ALTER TABLE events DROP COLUMN price", "DROP RLS POLICY concerts CASCADE")


def test_a_dropped_table_takes_its_attachments_along(staffed: Warehouse) -> None:
    staffed.run(CONCERTS, MASK, "ATTACH RLS POLICY concerts ON events TO PUBLIC", "ATTACH MASKING POLICY hide ON cards (card) TO PUBLIC")
    staffed.run("DROP TABLE events", "DROP TABLE cards", "DROP RLS POLICY concerts", "DROP MASKING POLICY hide")
    assert staffed.run("SELECT * FROM svv_rls_attached_policy") == staffed.run("SELECT * FROM svv_attached_masking_policy") == []


def test_the_views_tell_row_level_security(staffed: Warehouse) -> None:
    staffed.run(
        CONCERTS, "ATTACH RLS POLICY concerts ON events TO ROLE analyst", "ALTER TABLE events ROW LEVEL SECURITY ON CONJUNCTION TYPE OR"
    )
    assert staffed.run("SELECT poldb, polname, polalias, polatts, polqual FROM svv_rls_policy") == [
        ("dev", "concerts", "rls_table", '[{"type": "character varying(10)", "colname": "kind"}]', '"rls_table"."kind" = \'concert\'')
    ]
    assert staffed.run("SELECT * FROM svv_rls_attached_policy") == [
        ("public", "events", "table", "concerts", ADMIN, "analyst", "role", "t", "t", "or ")
    ]
    staffed.run("ALTER TABLE events ROW LEVEL SECURITY OFF FOR DATASHARES")
    assert staffed.run("SELECT * FROM svv_rls_relation") == [("dev", "public", "events", "table", "t", "f", "or ", "and")]


def test_a_copied_warehouse_keeps_its_policies(staffed: Warehouse, databases: Databases) -> None:
    staffed.run(CONCERTS, MASK, "ATTACH RLS POLICY concerts ON events TO ROLE analyst", "ALTER TABLE events ROW LEVEL SECURITY ON")
    staffed.run("ATTACH MASKING POLICY hide ON cards (card) TO alice")
    copy = f"{staffed.key}-copy"
    databases.copy(staffed.key, copy)
    try:
        for user, seen in (("alice", [("concert", "***")]), ("bob", [])):
            with databases.session(copy, "dev", user) as session:
                assert session.execute("SELECT DISTINCT kind, (SELECT min(card) FROM cards) FROM events").rows == seen
    finally:
        databases.drop(copy)
