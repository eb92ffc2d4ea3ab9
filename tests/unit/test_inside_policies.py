"""Policies of a spec: what is refused and where, and the statements as AWS documents them."""

from __future__ import annotations

from typing import Any

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from autopilot.domain.errors import InvalidInput
from autopilot.domain.inside import masking, row_level_security, sections
from autopilot.domain.inside.attachments import MATERIALIZED, Attachment, Place, Whom
from autopilot.domain.inside.declared.names import Column
from autopilot.domain.inside.declared.policies import MaskingPolicy, RowPolicy
from autopilot.domain.inside.expressions import expression_problem
from autopilot.domain.inside.model import Catalog, Compared, Context, Step
from autopilot.domain.inside.ordering import ordered
from autopilot.domain.inside.policy_sql import (
    alter_masking_policy,
    alter_rls_policy,
    attach,
    create_masking_policy,
    create_rls_policy,
    detach,
    drop_policy,
    grant_lookup,
    switch,
    switch_for_datashares,
)
from autopilot.domain.inside.policy_types import same_type
from autopilot.domain.spec import parse_spec

T = {"schema": "s", "name": "t"}
EVERYBODY = {"public": True}


def mask(*attach: dict[str, Any], name: str = "hide", using: list[str] | None = None, columns: tuple[str, ...] = ("v",)) -> dict[str, Any]:
    return {"name": name, "columns": [{"name": c, "type": "int"} for c in columns], "using": using or ["0"], "attach": list(attach)}


def at(priority: int = 0, to: dict[str, Any] | None = None, columns: tuple[str, ...] = ("c",), **more: Any) -> dict[str, Any]:
    return {"table": T, "columns": list(columns), "to": to or EVERYBODY, "priority": priority, **more}


def rows(*to: dict[str, Any], name: str = "own", using: str = "a = 1", **more: Any) -> dict[str, Any]:
    attach = [{"table": T, "to": list(to)}] if to else []
    return {"name": name, "columns": [{"name": "a", "type": "int"}], "using": using, "attach": attach, **more}


def problem_of(**declared: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        parse_spec({"name": "test", **declared})
    return str(caught.value)


# Expressions --------------------------------------------------------------------------------------------------------

HOSTILE = [
    "1; DROP TABLE t",
    "1) ; DROP TABLE t --",
    "1 -- the rest",
    "1 /* the rest",
    "1 /* and */ + 1",
    "1), (2",
    "1) + (1",
    "1) FROM secrets WHERE (1 = 1",
    "(1",
    "1)",
    "'open",
    '"open',
    "$$open",
    "a, b",
    "a AS b",
    "*",
    "",
    "   ",
    "a = 1) WITH (x int",
    "'\\') ; DROP TABLE x; --'",
    "1; --",
    "SELECT 1; SELECT 2",
    "\x00'",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_could_break_out_of_its_parentheses_is_refused(text: str) -> None:
    assert expression_problem(text)


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_a_hostile_expression_is_named_by_its_path(text: str) -> None:
    assert "spec.masking[0].using[1]: " in problem_of(masking=[mask(using=["0", text])])
    assert "spec.row_level_security.policies[1].using: " in problem_of(
        row_level_security={"policies": [rows(), rows(name="other", using=text)]}
    )


@pytest.mark.parametrize(
    "text",
    [
        "kind = 'it''s; -- fine'",
        "a IN (SELECT b FROM s.t WHERE c = current_user)",
        "CASE WHEN a THEN '***'::text ELSE sha2(b || 'salt', 256) END",
        "current_setting('app.x', false) = a AND (b OR NOT c)",
        "(SELECT max(a) FROM s.t)",
        '"quoted name" > 1',
        "a BETWEEN 1 AND 2",
        "a LIKE 'x/*y*/%'",
    ],
)
def test_expressions_are_taken_as_they_are(text: str) -> None:
    assert expression_problem(text) == ""


@given(st.text(alphabet="a1'\"();-/*\\$, \n", max_size=14))
def test_an_expression_that_is_taken_stays_one_part_of_its_statement(text: str) -> None:
    if expression_problem(text):
        return
    for dialect in ("redshift", "postgres"):
        [statement] = sqlglot.parse(f"SELECT ({text}), 'marker'", read=dialect)
        assert isinstance(statement, exp.Select)
        assert len(statement.expressions) == 2
        assert statement.expressions[1] == exp.Literal.string("marker")


# Contradictions -----------------------------------------------------------------------------------------------------

BAD_MASKS = [
    ([mask(at(to={"group": "g"}))], "spec.masking[0].attach[0].to.group: Redshift attaches policies to users, roles and everybody"),
    ([mask(at(to={"role": "r", "user": "u"}))], "spec.masking[0].attach[0].to: name exactly one"),
    ([mask(at(to={"public": False}))], "spec.masking[0].attach[0].to: name exactly one"),
    ([mask(at(columns=("c", "d")))], "spec.masking[0].attach[0].columns: 2 are masked, and the policy has 1 expressions"),
    ([mask(at(), columns=("v", "w"))], "spec.masking[0].attach[0].columns: the policy takes 2 columns, and gets 1"),
    ([mask(at(using=["c", "d"]))], "spec.masking[0].attach[0].using: the policy takes 1 columns, and gets 2"),
    ([mask(), mask()], "spec.masking[1]: 'hide' stands there twice"),
    (
        [mask(at(5)), mask(at(5, {"role": "r"}), name="b")],
        "spec.masking[1].attach[0].priority: s.t(c) has the policy 'hide' with priority 5 too",
    ),
    ([mask(at(5)), mask(at(6), name="b")], "spec.masking[1].attach[0].to: public has a policy for s.t(c) already"),
    ([mask(columns=("v", "v"))], "spec.masking[0].columns[1]: 'v' stands there twice"),
    ([mask(name='a"b')], "spec.masking[0].name: 'a\"b' holds a double quote"),
    ([mask(at(columns=("C",)))], "spec.masking[0].attach[0].columns[0]: 'C' holds a capital letter"),
    ([mask(at(to={"role": "a\nb"}))], "spec.masking[0].attach[0].to.role: 'a\\nb' holds a control character"),
]


@pytest.mark.parametrize(("declared", "problem"), BAD_MASKS)
def test_masks_that_contradict_are_refused_with_their_path(declared: list[Any], problem: str) -> None:
    assert problem in problem_of(masking=declared)


BAD_ROWS = [
    ({"policies": [rows({"group": "g"})]}, "spec.row_level_security.policies[0].attach[0].to[0].group: Redshift attaches"),
    ({"policies": [rows(EVERYBODY, EVERYBODY)]}, "spec.row_level_security.policies[0].attach[0].to[1]: public is named twice for s.t"),
    (
        {"policies": [rows({"role": "sys:secadmin"})]},
        "spec.row_level_security.policies[0].attach[0].to[0]: role sys:secadmin sees every row",
    ),
    ({"policies": [rows(EVERYBODY), rows(EVERYBODY, name="b", alias="x")]}, "call s.t by different aliases"),
    ({"policies": [rows(columns=[], using="true", alias="x")]}, "spec.row_level_security.policies[0].alias: stands for the table"),
    (
        {"policies": [rows(using="a IN (SELECT b FROM s.t)")], "tables": [{"table": T}]},
        "spec.row_level_security.policies[0].using: reads s.t, which has row-level security itself",
    ),
    ({"tables": [{"table": T}, {"table": T}]}, "spec.row_level_security.tables[1]: 's.t' stands there twice"),
]


@pytest.mark.parametrize(("declared", "problem"), BAD_ROWS)
def test_row_policies_that_contradict_are_refused_with_their_path(declared: dict[str, Any], problem: str) -> None:
    assert problem in problem_of(row_level_security=declared)


def test_a_row_policy_for_a_declared_superuser_is_refused() -> None:
    declared = {"policies": [rows({"user": "boss"})]}
    assert "user boss sees every row" in problem_of(row_level_security=declared, users=[{"name": "boss", "superuser": True}])


# Statements ---------------------------------------------------------------------------------------------------------

A = [Column(name="a", type="int"), Column(name="b", type="varchar(8)")]
PLACE = Place("s", "t")


def test_statements_are_those_of_awss_pages() -> None:
    row = RowPolicy(name="p", columns=A, alias="x", using="x.a = 1")
    hide = MaskingPolicy(name="m", columns=A, using=["a + 1", "b"])
    masked = Attachment("m", PLACE, Whom("role", "r"), ("c", "d"), ("e", "f"), 7)
    assert create_rls_policy(row) == 'CREATE RLS POLICY "p" WITH ("a" int, "b" varchar(8)) AS "x" USING (x.a = 1)'
    assert create_rls_policy(RowPolicy(name="p", using="true")) == 'CREATE RLS POLICY "p" USING (true)'
    assert alter_rls_policy(row) == 'ALTER RLS POLICY "p" USING (x.a = 1)'
    assert create_masking_policy(hide) == 'CREATE MASKING POLICY "m" WITH ("a" int, "b" varchar(8)) USING (a + 1, b)'
    assert alter_masking_policy(hide) == 'ALTER MASKING POLICY "m" USING (a + 1, b)'
    assert drop_policy("RLS", "p") == 'DROP RLS POLICY "p"'
    assert attach("RLS", Attachment("p", PLACE, Whom("user", "u"))) == 'ATTACH RLS POLICY "p" ON "s"."t" TO "u"'
    assert detach("RLS", Attachment("p", PLACE, Whom("public"))) == 'DETACH RLS POLICY "p" ON "s"."t" FROM PUBLIC'
    assert attach("MASKING", masked) == 'ATTACH MASKING POLICY "m" ON "s"."t" ("c", "d") USING ("e", "f") TO ROLE "r" PRIORITY 7'
    assert detach("MASKING", masked) == 'DETACH MASKING POLICY "m" ON "s"."t" ("c", "d") FROM ROLE "r"'
    assert switch(PLACE, materialized=False, on=True, conjunction="or") == 'ALTER TABLE "s"."t" ROW LEVEL SECURITY ON CONJUNCTION TYPE OR'
    assert switch(PLACE, materialized=True, on=False) == 'ALTER MATERIALIZED VIEW "s"."t" ROW LEVEL SECURITY OFF'
    assert switch_for_datashares(PLACE, materialized=False, on=False) == 'ALTER TABLE "s"."t" ROW LEVEL SECURITY OFF FOR DATASHARES'
    assert grant_lookup("MASKING", "m", PLACE) == 'GRANT SELECT ON TABLE "s"."t" TO MASKING POLICY "m"'


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("int", "integer", True),
        ("varchar(64)", "character varying(64)", True),
        ("varchar", "character varying(256)", True),
        ("TEXT", "character varying(256)", True),
        ("numeric(10, 2)", "decimal(10,2)", True),
        ("numeric", "numeric(18,0)", True),
        ("timestamp", "timestamp without time zone", True),
        ("char", "character(1)", True),
        ("super", "super", True),
        ("varchar(64)", "character varying(65)", False),
        ("int", "bigint", False),
        ("timestamp", "timestamp with time zone", False),
    ],
)
def test_types_are_compared_by_what_they_mean(one: str, other: str, *, same: bool) -> None:
    assert same_type(one, other) is same


# Plans --------------------------------------------------------------------------------------------------------------


def catalog(**answers: list[dict[str, Any]]) -> Catalog:
    names = {"rows": row_level_security.POLICIES, "attached": row_level_security.ATTACHED, "protected": row_level_security.PROTECTED}
    names |= {"masks": masking.POLICIES, "masked": masking.ATTACHED, "materialized": MATERIALIZED}
    return {question.name: answers.get(name, []) for name, question in names.items()}


def planned(seen: Catalog, **declared: Any) -> Compared:
    spec = parse_spec({"name": "test", **declared})
    return sections.compare(spec, seen, Context(warehouse="test", kind="cluster"))


def masked(policy: str = "hide", **more: Any) -> dict[str, Any]:
    row = {"policy_name": policy, "schema_name": "s", "table_name": "t", "grantee": "public", "grantee_type": "public", "priority": 0}
    return {**row, "input_columns": '["c"]', "output_columns": '["c"]', **more}


def test_what_cannot_be_named_is_kept_and_says_why() -> None:
    policy = {"policy_name": "old", "input_columns": "[]", "policy_expression": "[]"}
    seen = catalog(
        masks=[policy], masked=[masked("old", output_columns='["person.name"]'), masked("old", grantee_type="user", grantee="IAM:Bob")]
    )
    found = planned(seen, masking=[], prune=True)
    assert found.steps == []
    assert {one.fate for one in found.drift} == {"kept"}
    said = " ".join(one.what for one in found.drift)
    assert "a path into a SUPER column" in said
    assert "'IAM:Bob' holds a capital letter" in said


def test_an_answer_of_the_catalog_that_is_no_json_fails_no_plan() -> None:
    seen = catalog(
        masks=[{"policy_name": "hide", "input_columns": "what?", "policy_expression": None}], masked=[masked(output_columns="c")]
    )
    found = planned(seen, masking=[mask(at())])
    assert {step.together for step in found.steps} == {"masking of policy hide"}


def test_the_conjunction_is_padded_in_the_catalog() -> None:
    declared = {"tables": [{"table": T, "conjunction": "or"}]}
    assert planned(catalog(protected=[PROTECTED]), row_level_security=declared).steps == []


HIDE = {"policy_name": "hide", "input_columns": '[{"colname":"v","type":"integer"}]', "policy_expression": "[1]"}
ATTACHED = {"relschema": "s", "relname": "t", "polname": "own", "grantee": "public", "granteekind": "public"}
PROTECTED = {"relschema": "s", "relname": "t", "is_rls_on": True, "is_rls_datashare_on": True, "rls_conjunction_type": "or "}
OWN = {"polname": "own", "polalias": "rls_table", "polatts": '[{"colname":"a","type":"integer"}]', "polqual": "a = 1"}


def remaking(*, together: str = "remake views") -> Context:
    """The plan so far: a view is dropped and made again, with the rights that it had."""
    drop = Step(section="views", name="drop", reason="test", marks=["dropped:relation:s.t"], together=together)
    create = Step(section="views", name="create", reason="test", marks=["relation:s.t"], after=["dropped:relation:s.t"], together=together)
    grant = Step(section="views", name="grant", reason="test", after=["relation:s.t", "protected:relation:s.t"], together=together)
    return Context(warehouse="test", kind="cluster", planned=[drop, create, grant])


def remade(seen: Catalog, context: Context, **declared: Any) -> list[Step]:
    """What the policies of a plan add to the steps that make a view again, in order."""
    spec = parse_spec({"name": "test", **declared})
    found = [*row_level_security.compare(spec, seen, context).steps, *masking.compare(spec, seen, context).steps]
    return ordered([*context.planned, *found])


EVERYTHING = catalog(masks=[HIDE], masked=[masked()], rows=[OWN], attached=[ATTACHED], protected=[PROTECTED])
BACK = [
    "drop",
    "create",
    "attach rls policy own on s.t to public",
    "turn on row level security of s.t",
    "attach masking policy hide on s.t(c) to public",
    "grant",
]


def test_a_view_that_is_made_again_has_its_policies_again_in_the_same_transaction_declared_or_not() -> None:
    steps = remade(EVERYTHING, remaking(), views=[])
    assert [step.name for step in steps] == BACK
    assert {step.together for step in steps} == {"remake views"}
    assert any("CONJUNCTION TYPE OR" in step.sql for step in steps)
    empty = remade(EVERYTHING, remaking(), masking=[], row_level_security={})
    assert [step.name for step in empty] == BACK


def test_with_prune_a_view_that_is_made_again_loses_what_is_not_declared() -> None:
    steps = remade(EVERYTHING, remaking(), masking=[], row_level_security={}, prune=True)
    assert [step.name for step in steps] == ["drop", "create", "grant", "drop rls policy own", "drop masking policy hide"]


def test_what_is_made_again_alone_is_granted_after_its_policies_are_back() -> None:
    steps = remade(EVERYTHING, remaking(together=""), masking=[mask(at())], row_level_security={"policies": [rows(EVERYBODY)]})
    names = [step.name for step in steps]
    assert names[-1] == "grant"
    assert names.index("create") < names.index("attach masking policy hide on s.t(c) to public")


def test_a_policy_is_made_anew_together_with_the_view_that_is() -> None:
    changed = mask(at(), columns=("other",))
    steps = remade(EVERYTHING, remaking(), masking=[changed])
    assert [step.name for step in steps if step.section != "row_level_security"] == [
        "drop",
        "create",
        "drop masking policy hide",
        "create masking policy hide",
        "attach masking policy hide on s.t(c) to public",
        "grant",
    ]
    assert {step.together for step in steps} == {"remake views"}
    alone = [step.name for step in remade(EVERYTHING, remaking(together=""), masking=[changed])]
    assert alone.index("drop") < alone.index("drop masking policy hide") < alone.index("grant")


def test_a_view_that_is_dropped_for_good_takes_its_policies_along() -> None:
    drop = Step(section="views", name="drop view", reason="test", marks=["gone:relation:s.t"])
    context = Context(warehouse="test", kind="cluster", planned=[drop])
    steps = remade(EVERYTHING, context, masking=[], row_level_security={}, prune=True)
    assert [step.name for step in steps] == ["drop view", "drop rls policy own", "drop masking policy hide"]
    assert [step.name for step in remade(EVERYTHING, context, views=[])] == ["drop view"]


def test_sections_that_drop_what_they_make_again_come_before_the_policies() -> None:
    names = [getattr(section, "__name__", "").rpartition(".")[2] for section in sections.SECTIONS]
    assert names[-2:] == ["row_level_security", "masking"]


def test_a_declared_materialized_view_is_altered_as_one_before_it_is_there() -> None:
    declared = {
        "materialized_views": [{"schema": "s", "name": "t", "query": "SELECT 1 AS a"}],
        "row_level_security": {"tables": [{"table": T}]},
    }
    spec = parse_spec({"name": "test", **declared})
    [step] = row_level_security.compare(spec, catalog(), Context(warehouse="test", kind="cluster")).steps
    assert step.sql == 'ALTER MATERIALIZED VIEW "s"."t" ROW LEVEL SECURITY ON CONJUNCTION TYPE AND'
