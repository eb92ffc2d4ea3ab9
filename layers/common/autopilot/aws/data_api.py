"""SQL through the Redshift Data API: submit, look, cancel, fetch. Nothing here waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from autopilot.aws.clients import call, client
from autopilot.domain.errors import AutopilotError, InvalidInput
from autopilot.domain.signin import Target
from autopilot.domain.sql import cell, named_parameters

SIGN_IN = ("secretsmanager:GetSecretValue", "redshift:GetClusterCredentials", "redshift-serverless:GetCredentials")
SUBMIT = ("redshift-data:ExecuteStatement", "redshift-data:BatchExecuteStatement", *SIGN_IN)
LOOK = ("redshift-data:DescribeStatement",)
FETCH = ("redshift-data:DescribeStatement", "redshift-data:GetStatementResult")
CANCEL = ("redshift-data:CancelStatement",)
_SERVICE = "redshift-data"
#: What our statements are named in ListStatements and in the console, for people.
STATEMENT_NAME = "autopilot"
LOOK_NAME = "autopilot-look"
ENDED = frozenset({"FINISHED", "FAILED", "ABORTED"})


class Result(msgspec.Struct, frozen=True):
    """One statement's outcome. `rows` counts rows returned or affected; `duration_ms` is milliseconds in the database."""

    statement_id: str
    rows: int
    duration_ms: int
    has_result: bool


def submit(target: Target, statements: list[str], name: str, token: str, parameters: list[dict[str, str]]) -> str:
    """Submit one statement, or several as one transaction, and return the statement's id.

    The same token within 8 hours returns the same id and runs nothing twice. Raises InvalidInput for parameters in a batch where
    this boto3 cannot send them. Source: ExecuteStatement, BatchExecuteStatement.
    """
    arguments: dict[str, Any] = {**target.arguments(), "StatementName": name, "ClientToken": token, "WithEvent": True}
    used = _used(parameters, statements)
    if used:
        arguments["Parameters"] = used
    what = f"run SQL in {target.database} of {target.kind} {target.name}"
    if len(statements) == 1:
        return str(call(_SERVICE, "execute_statement", what, Sql=statements[0], **arguments)["Id"])
    members = client(_SERVICE).meta.service_model.operation_model("BatchExecuteStatement").input_shape.members
    if used and "Parameters" not in members:
        raise InvalidInput("parameters: this version of boto3 cannot bind parameters in a transaction; set transaction to false")
    return str(call(_SERVICE, "batch_execute_statement", what, Sqls=statements, **arguments)["Id"])


def _used(parameters: list[dict[str, str]], statements: list[str]) -> list[dict[str, str]]:
    """The parameters that these statements name: the Data API refuses others."""
    named = {name for statement in statements for name in named_parameters(statement)}
    return [parameter for parameter in parameters if parameter["name"] in named]


def describe(statement_id: str) -> dict[str, Any]:
    """The statement as DescribeStatement gives it."""
    return call(_SERVICE, "describe_statement", f"describe statement {statement_id}", Id=statement_id)


def results(description: dict[str, Any]) -> list[Result]:
    """The outcomes of a finished statement, one for each statement of a batch. Durations come in nanoseconds."""
    return [
        Result(
            statement_id=part["Id"],
            rows=max(0, part.get("ResultRows", 0)),
            duration_ms=max(0, part.get("Duration", 0)) // 1_000_000,
            has_result=bool(part.get("HasResultSet")),
        )
        for part in description.get("SubStatements") or [description]
    ]


def cancel(statement_id: str) -> bool:
    """Cancel a statement; False when it had already ended. Source: CancelStatement."""
    try:
        return bool(call(_SERVICE, "cancel_statement", f"cancel statement {statement_id}", Id=statement_id)["Status"])
    except AutopilotError as error:
        if error.code not in {"ValidationException", "ResourceNotFoundException"}:
            raise
        return False


def read(statement_id: str) -> tuple[list[str], Iterator[list[Any]]]:
    """The names of a result's columns, and its rows, which come page by page as they are asked for. Source: GetStatementResult."""
    first = _page(statement_id, None)
    return [column.get("label") or column["name"] for column in first["ColumnMetadata"]], _rows(statement_id, first)


def _rows(statement_id: str, page: dict[str, Any]) -> Iterator[list[Any]]:
    while True:
        for record in page["Records"]:
            yield [cell(field) for field in record]
        if not page.get("NextToken"):
            return
        page = _page(statement_id, page["NextToken"])


def _page(statement_id: str, token: str | None) -> dict[str, Any]:
    more = {"NextToken": token} if token else {}
    return call(_SERVICE, "get_statement_result", f"read the result of statement {statement_id}", Id=statement_id, **more)
