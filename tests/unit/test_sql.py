"""Statements: split as the database reads them, held against the Data API's limits, bound, and named for idempotency."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopilot.domain.errors import InvalidInput, WarehouseUnavailable
from autopilot.domain.inputs import RunSqlInput
from autopilot.domain.sql import (
    LOOK_AT_QUERIES,
    bare,
    bind,
    cell,
    check_takes_sql,
    client_token,
    failure_text,
    is_look,
    named_parameters,
    split,
    unique,
    units,
)
from tests.unit.builders import cluster, workgroup

STRINGS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\'"), max_size=12)
WORDS = st.sampled_from(["a", "b1", "table_1", "1", "2.5", "+", "(", ")", ",", "=", ":p", "x::text", "NULL"])
PIECES = st.one_of(
    WORDS,
    STRINGS.map(lambda text: f"'{text}'"),
    STRINGS.filter(lambda text: bool(text) and '"' not in text).map(lambda text: f'"{text}"'),
    st.text("ab; '\n", max_size=8).map(lambda text: f"$${text}$$"),
    st.text("ab; '", max_size=8).map(lambda text: f"/* {text} */"),
    st.text("ab; '\"", max_size=8).map(lambda text: f"-- {text}\n"),
)
STATEMENTS = st.lists(PIECES, max_size=5).map(lambda pieces: " ".join(["SELECT", *pieces, "x"]))


def asked(**given: Any) -> RunSqlInput:
    return RunSqlInput(warehouse="analytics", **given)


def refusal(text: str | None = None, **given: Any) -> str:
    with pytest.raises(InvalidInput) as refused:
        units(asked(**given), text)
    return str(refused.value)


# --- splitting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        (" \n ", []),
        (";;", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;", ["SELECT 1"]),
        (" SELECT 1 ;\n\n SELECT 2 ; ", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';'; SELECT 2", ["SELECT ';'", "SELECT 2"]),
        ("SELECT 'it''s;'; SELECT 2", ["SELECT 'it''s;'", "SELECT 2"]),
        (r"SELECT 'it\'s;'; SELECT 2", [r"SELECT 'it\'s;'", "SELECT 2"]),
        ('SELECT 1 AS "a;b"; SELECT 2', ['SELECT 1 AS "a;b"', "SELECT 2"]),
        ("SELECT 1 -- a; b\n; SELECT 2", ["SELECT 1 -- a; b", "SELECT 2"]),
        ("SELECT /* a; b */ 1; SELECT 2", ["SELECT /* a; b */ 1", "SELECT 2"]),
        ("SELECT 1; -- that was all", ["SELECT 1"]),
        ("-- nothing to do", []),
        ("/* nothing */ -- to do", []),
        ("-- nothing; to do", []),
        (
            "CREATE PROCEDURE p() AS $$ BEGIN; END; $$ LANGUAGE plpgsql; CALL p()",
            ["CREATE PROCEDURE p() AS $$ BEGIN; END; $$ LANGUAGE plpgsql", "CALL p()"],
        ),
        ("CALL p('a;b'); COMMENT ON TABLE t IS 'x;y'; SELECT 1", ["CALL p('a;b')", "COMMENT ON TABLE t IS 'x;y'", "SELECT 1"]),
        ("SELECT '😀;'; SELECT 'é'", ["SELECT '😀;'", "SELECT 'é'"]),
    ],
)
def test_text_is_split_at_the_semicolons_that_end_statements(text: str, statements: list[str]) -> None:
    assert split(text) == statements


@given(st.lists(STATEMENTS, min_size=1, max_size=5))
def test_joined_statements_are_split_into_the_same_again(statements: list[str]) -> None:
    assert split(";\n".join(statements) + ";") == statements
    assert split("; ".join(split("; ".join(statements)))) == statements


def test_text_with_an_open_string_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^sql: cannot be split into statements: a string, a quoted name or a comment is not closed$"):
        split("SELECT 1; SELECT 'open")


def test_file_that_cannot_be_split_is_named() -> None:
    assert refusal("SELECT 1; SELECT 'open", sql_uri="s3://b/k").startswith("sql_uri: cannot be split into statements: ")


# --- units ------------------------------------------------------------------------------------------------------------


def test_list_is_one_unit_unless_told_otherwise() -> None:
    statements = ["SELECT 1", "SELECT 2; SELECT 3"]
    assert [unit.statements for unit in units(asked(sql=statements), None)] == [["SELECT 1", "SELECT 2", "SELECT 3"]]
    separate = units(asked(sql=statements, transaction=False), None)
    assert [unit.statements for unit in separate] == [["SELECT 1"], ["SELECT 2"], ["SELECT 3"]]


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("VACUUM t", "VACUUM t"),
        ("create  database x", "create database x"),
        ("DROP DATABASE x", "DROP DATABASE x"),
        ("ALTER TABLE a APPEND FROM b", "ALTER TABLE a"),
        ("CREATE LIBRARY l", "CREATE LIBRARY l"),
        ("/* nightly */ VACUUM", "VACUUM"),
        ("-- nightly\nVACUUM", "VACUUM"),
    ],
)
def test_statement_that_no_transaction_holds_runs_alone(statement: str, shown: str) -> None:
    assert len(units(asked(sql=statement), None)) == 1
    assert refusal(sql=["SELECT 1", statement]) == f"sql: statement 2 ({shown}) cannot run in a transaction; set transaction to false"
    assert len(units(asked(sql=["SELECT 1", statement], transaction=False), None)) == 2


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        (None, {}, "sql or sql_uri: give exactly one of them, none was given"),
        ("SELECT 1", {"sql": "SELECT 1", "sql_uri": "s3://b/k"}, "sql or sql_uri: give exactly one of them, both were given"),
        (None, {"sql": ""}, "sql: holds no SQL statement"),
        (None, {"sql": []}, "sql: holds no SQL statement"),
        (" ; ", {"sql_uri": "s3://b/k"}, "sql_uri: holds no SQL statement"),
        (
            None,
            {"sql": ["SELECT 1"] * 41},
            "sql: 41 statements in one transaction; the Data API takes up to 40. Set transaction to false, or send fewer",
        ),
        (
            None,
            {"sql": ["SELECT 1", "é" * 50_001]},
            "sql: statement 2 has 100002 bytes; the Data API takes up to 100000. Load data by COPY instead",
        ),
        (
            None,
            {"sql": ["SELECT 1"] * 1001, "transaction": False},
            "sql: 1001 statements; up to 1000 are run one by one. Send them in several files",
        ),
        (
            None,
            {"sql": ["SELECT :greeting", "SELECT ':greting'"], "parameters": {"greeting": "hello", "greting": "hello"}},
            "parameters: no statement names :greting; check the spelling, or leave it out",
        ),
    ],
)
def test_what_the_data_api_would_refuse_is_refused_first(text: str | None, given: dict[str, Any], message: str) -> None:
    assert refusal(text, **given) == message


def test_forty_statements_and_a_hundred_thousand_bytes_are_taken() -> None:
    assert len(units(asked(sql=["SELECT 1"] * 40), None)[0].statements) == 40
    assert len(units(asked(sql="x" * 100_000), None)) == 1


# --- states, parameters, tokens ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["available", "modifying", "available, resize-cleanup", "storage-full"])
def test_warehouse_that_may_take_sql_is_asked(status: str) -> None:
    assert check_takes_sql(cluster(status), 2).reason == "2 units of SQL to run in cluster analytics"


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        (cluster("pausing"), "cluster analytics is pausing and takes no SQL; start resume_warehouse for it first"),
        (cluster("final-snapshot"), "cluster analytics is final-snapshot and takes no SQL; wait until it is available"),
        (workgroup("creating"), "workgroup adhoc is creating and takes no SQL; wait until it is available"),
    ],
)
def test_warehouse_that_takes_no_sql_is_refused(seen: Any, message: str) -> None:
    with pytest.raises(WarehouseUnavailable) as refused:
        check_takes_sql(seen, 1)
    assert str(refused.value) == message


def test_parameters_are_bound_as_text() -> None:
    given: dict[str, str | int | float | bool] = {"s": "x", "i": 5, "f": 0.5, "t": True, "z": 0, "n": False}
    assert bind(given) == [
        {"name": name, "value": value} for name, value in zip("siftzn", ["x", "5", "0.5", "true", "0", "false"], strict=True)
    ]


@pytest.mark.parametrize("name", ["1a", "a-b", "", "a b", "é", "a\n"])
def test_name_that_no_statement_can_refer_to_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"^parameters: .* is not a parameter name"):
        bind({name: 1})


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("SELECT :a, :b_1 + :a", {"a", "b_1"}),
        ("SELECT a::text, '1'::int, :c::date", {"c"}),
        ("SELECT ':a', ':b''c'", set()),
        ("SELECT 1 -- :a\n/* :b */, :c", {"c"}),
        ("CREATE PROCEDURE p() AS $$ SELECT :a $$ LANGUAGE plpgsql", set()),
        ("CREATE PROCEDURE p() AS $body$ SELECT :a, $$b$$ $body$ LANGUAGE plpgsql", set()),
        ("SELECT '12:30', 12:30", set()),
    ],
)
def test_parameters_are_named_outside_of_strings_and_comments(statement: str, names: set[str]) -> None:
    assert named_parameters(statement) == names


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ("SELECT 'a' || 'it''s'", "SELECT   ||  "),
        ('SELECT "a--b", "it\'s", "say ""hi"""', 'SELECT "a--b", "it\'s", "say ""hi"""'),
        ("SELECT '--' + 1", "SELECT   + 1"),
        ("SELECT 1 -- it's", "SELECT 1  "),
        ("/* it's\n*/ SELECT 1", "  SELECT 1"),
        ("SELECT $$ it's $$, 'x'", "SELECT  ,  "),
        ("SELECT $1, $2", "SELECT $1, $2"),
    ],
)
def test_bare_statement_keeps_verbs_and_names_only(statement: str, left: str) -> None:
    assert bare(statement) == left


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_token_fits_the_data_api_and_tells_submissions_apart(one: list[str], other: list[str]) -> None:
    assert 1 <= len(client_token(*one)) <= 64
    same = "\x1f".join(one) == "\x1f".join(other)
    assert (client_token(*one) == client_token(*other)) is same


# --- what the Data API says -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("description", "text"),
    [
        ({"Error": "ERROR: no such table"}, "ERROR: no such table"),
        ({}, "the database gave no message"),
        (
            {
                "Error": "Query #2 failed",
                "SubStatements": [
                    {"Status": "FINISHED", "QueryString": "SELECT 1"},
                    {"Status": "FAILED", "QueryString": "INSERT INTO\n  t VALUES ('secret')", "Error": "no such table"},
                    {"Status": "ABORTED", "QueryString": "SELECT 3"},
                ],
            },
            "statement 2 of 3 (INSERT INTO t): no such table",
        ),
        ({"Error": "stopped", "SubStatements": [{"Status": "ABORTED", "QueryString": "SELECT 1"}]}, "stopped"),
    ],
)
def test_failure_is_told_in_the_databases_words(description: dict[str, Any], text: str) -> None:
    assert failure_text(description) == text


@pytest.mark.parametrize(
    ("texts", "look"), [(LOOK_AT_QUERIES, True), (LOOK_AT_QUERIES[:1], False), ([*LOOK_AT_QUERIES, "SELECT 1"], False), ([], False)]
)
def test_own_looks_are_told_from_queries(texts: list[str], look: bool) -> None:
    assert is_look({"SubStatements": [{"QueryString": text} for text in texts]}) is look


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ({"isNull": True}, None),
        ({"longValue": 0}, 0),
        ({"longValue": 2**53}, 2**53),
        ({"longValue": -(2**53)}, -(2**53)),
        ({"longValue": 2**53 + 1}, "9007199254740993"),
        ({"longValue": -(2**53) - 1}, "-9007199254740993"),
        ({"doubleValue": 0.5}, 0.5),
        ({"booleanValue": False}, False),
        ({"stringValue": ""}, ""),
        ({"isNull": False, "stringValue": "x"}, "x"),
    ],
)
def test_field_of_a_result_is_read_by_its_kind(field: dict[str, Any], value: object) -> None:
    assert cell(field) == value


def test_field_of_an_unknown_kind_is_not_guessed_and_its_value_not_told() -> None:
    with pytest.raises(ValueError, match=r"none of the known keys: \['superValue'\]$"):
        cell({"superValue": "secret"})


@pytest.mark.parametrize("text", ["SELECT 'sesame'", "INSERT INTO t(p)VALUES('sesame')", "SET password='sesame'", "SELECT $$sesame$$"])
def test_failure_of_a_batch_shows_no_value(text: str) -> None:
    described = {"SubStatements": [{"Status": "FAILED", "QueryString": text, "Error": "no"}]}
    assert "sesame" not in failure_text(described)


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ([], []),
        (["id", "name"], ["id", "name"]),
        (["count", "count", "count"], ["count", "count_2", "count_3"]),
        (["count", "count", "count_2"], ["count", "count_2_", "count_2"]),
        (["count_2", "count", "count"], ["count_2", "count", "count_2_"]),
    ],
)
def test_columns_of_one_name_are_numbered(columns: list[str], names: list[str]) -> None:
    assert unique(columns) == names


@given(st.lists(st.sampled_from(["a", "b", "a_2", "a_2_", "a_3", "a_2_2", ""]), max_size=9))
def test_every_column_can_be_told_from_the_others(columns: list[str]) -> None:
    names = unique(columns)
    assert len(set(names)) == len(columns)
    assert all(names[columns.index(name)] == name for name in columns)


# --- known defects ----------------------------------------------------------------------------------------------------


def test_quote_after_a_backslash_does_not_end_a_string() -> None:
    assert named_parameters(r"SELECT 'it\'s', :a, 'b'") == {"a"}
    assert named_parameters(r"SELECT 'it\'s :a'") == set()


def test_value_after_an_escaped_quote_is_not_shown() -> None:
    described = {"SubStatements": [{"Status": "FAILED", "QueryString": r"SELECT 'it\' sesame opens'", "Error": "no"}]}
    assert "sesame" not in failure_text(described)
