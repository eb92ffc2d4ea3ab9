"""Row-level security and masking as a spec declares them: applied, applied again, changed, drifted and pruned; and at no moment lifted unasked."""

from __future__ import annotations

from typing import Any

import pytest

from autopilot.domain.inside.ordering import units
from sandbox.sql.errors import SqlError
from tests.sandbox.inside import Inside
from tests.sandbox.warehouse import PASSWORD, Warehouse, error_of

CARDS = {"schema": "public", "name": "cards"}
EVENTS = {"schema": "public", "name": "events"}


@pytest.fixture
def inside(warehouse: Warehouse) -> Inside:
    """Tables that everybody may read, alice with the role analyst, bob without."""
    for user in ("alice", "bob"):
        warehouse.run(f"CREATE USER {user} PASSWORD '{PASSWORD}'")
    warehouse.run(
        "CREATE ROLE analyst",
        "GRANT ROLE analyst TO alice",
        "CREATE TABLE cards (id int, card varchar(32), owner varchar(32))",
        "INSERT INTO cards VALUES (1, '4111222233334444', 'ann')",
        "CREATE TABLE events (kind varchar(10), price int)",
        "INSERT INTO events VALUES ('concert', 10), ('sport', 30)",
        "GRANT SELECT ON cards TO PUBLIC",
        "GRANT SELECT ON events TO PUBLIC",
    )
    return Inside(warehouse)


def mask(
    using: str = "'***'::varchar", *attach: dict[str, Any], name: str = "hide", columns: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    return {"name": name, "columns": columns or [{"name": "value", "type": "varchar(32)"}], "using": [using], "attach": list(attach)}


def on_card(to: dict[str, Any], priority: int = 0, **more: Any) -> dict[str, Any]:
    return {"table": CARDS, "columns": ["card"], "to": to, "priority": priority, **more}


def rows(using: str = "kind = 'concert'", *to: dict[str, Any], name: str = "concerts", alias: str | None = None) -> dict[str, Any]:
    attach = [{"table": EVENTS, "to": list(to)}] if to else []
    policy = {"name": name, "columns": [{"name": "kind", "type": "varchar(10)"}], "using": using, "attach": attach}
    return {**policy, **({"alias": alias} if alias else {})}


ANALYST, EVERYBODY, BOB = {"role": "analyst"}, {"public": True}, {"user": "bob"}


def card(inside: Inside, user: str) -> str | None:
    return inside.warehouse.value("SELECT card FROM cards", user=user)


def kinds(inside: Inside, user: str) -> list[str | None]:
    return [kind for (kind,) in inside.warehouse.run("SELECT kind FROM events ORDER BY price", user=user)]


# Masking ------------------------------------------------------------------------------------------------------------


def test_masks_are_applied_once_and_seen_by_those_whom_they_are_for(inside: Inside) -> None:
    declared = [mask("'***'::varchar", on_card(EVERYBODY)), mask("'...' || right(value, 4)", on_card(ANALYST, 10), name="last")]
    assert inside.apply(masking=declared) == [
        "create masking policy hide",
        "create masking policy last",
        "attach masking policy hide on public.cards(card) to public",
        "attach masking policy last on public.cards(card) to role analyst",
    ]
    assert (card(inside, "alice"), card(inside, "bob")) == ("...4444", "***")
    again = inside.compare(masking=declared)
    assert (again.steps, again.drift) == ([], [])


def test_a_changed_expression_is_altered_and_the_mask_stays_on(inside: Inside) -> None:
    inside.apply(masking=[mask("'***'::varchar", on_card(EVERYBODY))])
    assert inside.apply(masking=[mask("upper(value) || '!'", on_card(EVERYBODY))]) == ["alter masking policy hide"]
    assert card(inside, "bob") == "4111222233334444!"
    assert inside.compare(masking=[mask("upper(value) || '!'", on_card(EVERYBODY))]).steps == []


def test_a_mask_that_somebody_changed_by_hand_is_set_again(inside: Inside) -> None:
    declared = [mask("'***'::varchar", on_card(EVERYBODY))]
    inside.apply(masking=declared)
    inside.warehouse.run("ALTER MASKING POLICY hide USING (value)")
    [step] = inside.compare(masking=declared).steps
    assert (step.name, step.reason) == ("alter masking policy hide", "somebody changed it in the database")
    inside.apply(masking=declared)
    assert card(inside, "bob") == "***"


def test_a_mask_of_which_nothing_is_remembered_is_set_once(inside: Inside) -> None:
    inside.warehouse.run("CREATE MASKING POLICY hide WITH (value varchar(32)) USING (value)")
    declared = [mask("'***'::varchar", on_card(EVERYBODY))]
    assert inside.apply(masking=declared)[0] == "alter masking policy hide"
    assert inside.compare(masking=declared).steps == []


def watched(inside: Inside, **declared: Any) -> list[str]:
    """Carry a plan out statement by statement in its transactions; what bob, signed in beside it, sees after each one."""
    steps = inside.compare(**declared).steps
    seen = []
    with inside.warehouse.session() as session, inside.warehouse.session("bob") as bob:
        for unit in units(steps):
            session.begin()
            for number in unit:
                session.execute(steps[number].sql)
                seen.append(str(bob.execute("SELECT max(card) FROM cards").rows[0][0]))
            session.commit()
            seen.append(str(bob.execute("SELECT max(card) FROM cards").rows[0][0]))
    return seen


def test_at_no_moment_is_a_mask_off_while_it_is_made_anew(inside: Inside) -> None:
    inside.apply(masking=[mask("'***'::varchar", on_card(EVERYBODY))])
    wider = mask(
        "'+++'::varchar",
        on_card(EVERYBODY, using=["card", "id"]),
        columns=[{"name": "v", "type": "varchar(32)"}, {"name": "n", "type": "int"}],
    )
    found = inside.compare(masking=[wider]).steps
    assert [step.name.split(" ", 1)[0] for step in found] == ["detach", "drop", "create", "attach"]
    assert len({step.together for step in found}) == 1
    assert found[0].together
    seen = watched(inside, masking=[wider])
    assert set(seen) == {"***", "+++"}
    assert seen[-1] == "+++"


def test_at_no_moment_is_a_mask_off_while_priorities_are_swapped(inside: Inside) -> None:
    def declared(first: int, second: int) -> list[dict[str, Any]]:
        return [mask("'***'::varchar", on_card(BOB, first)), mask("'+++'::varchar", on_card(EVERYBODY, second), name="other")]

    inside.apply(masking=declared(20, 10))
    assert card(inside, "bob") == "***"
    assert set(watched(inside, masking=declared(10, 20))) == {"***", "+++"}
    assert card(inside, "bob") == "+++"
    assert inside.compare(masking=declared(10, 20)).steps == []


def test_a_mask_that_cannot_be_made_anew_stays_as_it_was(inside: Inside) -> None:
    inside.apply(masking=[mask("'***'::varchar", on_card(EVERYBODY))])
    with pytest.raises(SqlError, match="nothing_of_that_name"):
        inside.apply(masking=[mask("nothing_of_that_name", on_card(EVERYBODY), columns=[{"name": "v", "type": "varchar(32)"}])])
    assert card(inside, "bob") == "***"


def test_what_is_not_declared_is_lifted_only_when_the_spec_prunes(inside: Inside) -> None:
    inside.warehouse.run(
        "CREATE MASKING POLICY old WITH (v varchar(32)) USING ('old'::varchar)",
        "ATTACH MASKING POLICY old ON cards (card) TO PUBLIC",
        "CREATE MASKING POLICY hide WITH (value varchar(32)) USING ('***'::varchar)",
        "ATTACH MASKING POLICY hide ON cards (card) TO ROLE analyst PRIORITY 5",
    )
    declared = [mask("'***'::varchar")]
    inside.apply(masking=declared)
    found = inside.compare(masking=declared)
    assert found.steps == []
    assert {(one.object, one.fate) for one in found.drift} == {
        ("masking policy old", "reported"),
        ("masking policy old on public.cards(card) to public", "reported"),
        ("masking policy hide on public.cards(card) to role analyst", "reported"),
    }
    assert (card(inside, "alice"), card(inside, "bob")) == ("***", "old")
    assert {one.fate for one in inside.compare(masking=declared, prune=True).drift} == {"removed"}
    assert inside.apply(masking=declared, prune=True) == [
        "detach masking policy hide on public.cards(card) to role analyst",
        "detach masking policy old on public.cards(card) to public",
        "drop masking policy old",
    ]
    assert card(inside, "bob") == "4111222233334444"
    assert inside.compare(masking=declared, prune=True) == inside.compare(masking=declared)


def test_what_takes_the_place_of_a_pruned_mask_does_so_in_one_transaction(inside: Inside) -> None:
    inside.warehouse.run(
        "CREATE MASKING POLICY old WITH (v varchar(32)) USING ('old'::varchar)", "ATTACH MASKING POLICY old ON cards (card) TO PUBLIC"
    )
    declared = {"masking": [mask("'***'::varchar", on_card(EVERYBODY))], "prune": True}
    assert set(watched(inside, **declared)) == {"old", "***"}
    assert card(inside, "bob") == "***"


def test_a_policy_that_is_made_anew_keeps_what_is_attached_and_not_declared(inside: Inside) -> None:
    inside.apply(masking=[mask("'***'::varchar", on_card(EVERYBODY))])
    inside.warehouse.run("ATTACH MASKING POLICY hide ON cards (owner) TO PUBLIC")
    inside.apply(masking=[mask("'+++'::varchar", on_card(EVERYBODY), columns=[{"name": "other", "type": "varchar(64)"}])])
    assert inside.warehouse.run("SELECT card, owner FROM cards", user="bob") == [("+++", "+++")]


def test_a_mask_may_read_a_table_of_its_own(inside: Inside) -> None:
    inside.warehouse.run("CREATE TABLE known (card varchar(32))", "INSERT INTO known VALUES ('4111222233334444')")
    declared = [mask("CASE WHEN value IN (SELECT k.card FROM known k) THEN 'known' END", on_card(EVERYBODY))]
    assert inside.apply(masking=declared)[1] == "grant select on public.known to masking policy hide"
    assert card(inside, "bob") == "known"
    assert "permission denied" in error_of(inside.warehouse.run, "SELECT * FROM known", user="bob")


def test_a_mask_comes_before_what_lets_people_in() -> None:
    """A grant on the relation, or on all tables of its schema, is to come after these tokens."""
    from autopilot.domain.inside import sections
    from autopilot.domain.inside.masking import ATTACHED, POLICIES
    from autopilot.domain.inside.model import Context
    from autopilot.domain.spec import parse_spec

    spec = parse_spec({"name": "test", "masking": [mask("'***'::varchar", on_card(EVERYBODY))]})
    steps = sections.compare(spec, {POLICIES.name: [], ATTACHED.name: []}, Context(warehouse="test", kind="cluster")).steps
    assert steps[-1].marks == ["protected:relation:public.cards", "protected:schema:public"]
    assert {"masking_policy:hide", "relation:public.cards"} <= set(steps[-1].after)


# Row-level security -------------------------------------------------------------------------------------------------


def test_rows_are_hidden_once_it_is_applied_and_nothing_is_left_to_do(inside: Inside) -> None:
    declared = {"policies": [rows("kind = 'concert'", ANALYST)]}
    assert inside.apply(row_level_security=declared) == [
        "create rls policy concerts",
        "attach rls policy concerts on public.events to role analyst",
        "turn on row level security of public.events",
    ]
    assert (kinds(inside, "alice"), kinds(inside, "bob")) == (["concert"], [])
    again = inside.compare(row_level_security=declared)
    assert (again.steps, again.drift) == ([], [])


def test_a_changed_condition_is_altered_and_a_changed_alias_made_anew(inside: Inside) -> None:
    inside.apply(row_level_security={"policies": [rows("kind = 'concert'", EVERYBODY)]})
    assert inside.apply(row_level_security={"policies": [rows("kind = 'sport'", EVERYBODY)]}) == ["alter rls policy concerts"]
    assert kinds(inside, "bob") == ["sport"]
    found = inside.compare(row_level_security={"policies": [rows("e.kind = 'concert'", EVERYBODY, alias="e")]}).steps
    assert [step.name for step in found] == [
        "detach rls policy concerts on public.events to public",
        "drop rls policy concerts",
        "create rls policy concerts",
        "attach rls policy concerts on public.events to public",
    ]
    assert {step.together for step in found} == {found[0].together}
    inside.apply(row_level_security={"policies": [rows("e.kind = 'concert'", EVERYBODY, alias="e")]})
    assert kinds(inside, "bob") == ["concert"]


def test_tables_say_how_policies_are_put_together_and_what_consumers_see(inside: Inside) -> None:
    policies = [rows("kind = 'concert'", EVERYBODY), rows("kind = 'sport'", EVERYBODY, name="sports")]
    inside.apply(row_level_security={"policies": policies})
    assert kinds(inside, "bob") == []
    declared = {"policies": policies, "tables": [{"table": EVENTS, "conjunction": "or", "datashares": False}]}
    assert inside.apply(row_level_security=declared) == [
        "turn on row level security of public.events",
        "turn off row level security of public.events for datashares",
    ]
    assert kinds(inside, "bob") == ["concert", "sport"]
    assert inside.compare(row_level_security=declared).steps == []
    assert inside.warehouse.run("SELECT is_rls_on, is_rls_datashare_on FROM svv_rls_relation") == [("t", "f")]


def test_a_table_without_a_policy_shows_no_rows(inside: Inside) -> None:
    inside.apply(row_level_security={"tables": [{"table": EVENTS}]})
    assert kinds(inside, "bob") == []


def test_row_level_security_is_turned_on_although_a_policy_cannot_be_attached(inside: Inside) -> None:
    steps = inside.compare(row_level_security={"policies": [rows("kind = 'concert'", {"role": "nobody"}, BOB)]}).steps
    on = steps[-1]
    assert on.name == "turn on row level security of public.events"
    assert not {token for step in steps[:-1] for token in step.marks} & set(on.after)


def test_row_policies_of_others_are_lifted_only_when_the_spec_prunes(inside: Inside) -> None:
    inside.warehouse.run(
        "CREATE RLS POLICY old WITH (kind varchar(10)) USING (kind = 'sport')",
        "ATTACH RLS POLICY old ON events TO bob",
        "ALTER TABLE events ROW LEVEL SECURITY ON",
    )
    found = inside.compare(row_level_security={})
    assert found.steps == []
    assert {(one.object, one.fate) for one in found.drift} == {
        ("rls policy old", "reported"),
        ("rls policy old on public.events to user bob", "reported"),
        ("row level security of public.events", "reported"),
    }
    assert kinds(inside, "bob") == ["sport"]
    assert inside.apply(row_level_security={}, prune=True) == [
        "detach rls policy old on public.events to user bob",
        "drop rls policy old",
        "turn off row level security of public.events",
    ]
    assert kinds(inside, "bob") == ["concert", "sport"]
    assert inside.compare(row_level_security={}, prune=True) == inside.compare(row_level_security={})


def test_a_materialized_view_is_altered_as_one(inside: Inside) -> None:
    inside.warehouse.run("CREATE MATERIALIZED VIEW kept AS SELECT * FROM events", "GRANT SELECT ON kept TO PUBLIC")
    declared = rows("kind = 'concert'")
    declared["attach"] = [{"table": {"name": "kept"}, "to": [EVERYBODY]}]
    inside.apply(row_level_security={"policies": [declared]})
    assert inside.warehouse.run("SELECT kind FROM kept", user="bob") == [("concert",)]
    assert inside.compare(row_level_security={"policies": [declared]}).steps == []


def test_sections_that_are_not_given_are_not_looked_at(inside: Inside) -> None:
    inside.warehouse.run("CREATE MASKING POLICY old WITH (v int) USING (v)", "CREATE RLS POLICY old USING (true)")
    found = inside.compare(roles=[], prune=True)
    assert (found.steps, [one for one in found.drift if one.section in ("masking", "row_level_security")]) == ([], [])
