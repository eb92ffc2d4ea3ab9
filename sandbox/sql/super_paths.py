"""SUPER values navigated by dots, as in `data.customer.name`: what is no column of a relation of the query is a path into a value."""

from __future__ import annotations

from sqlglot import exp

_TEXT = (exp.DType.VARCHAR, exp.DType.TEXT, exp.DType.CHAR, exp.DType.NVARCHAR)


def navigated(node: exp.Column) -> exp.Expression:
    """The column itself, or the path that it stands for. Cast to text, a value loses its quotes; in a result it is called as its last step."""
    parts = [part for part in node.parts if isinstance(part, exp.Identifier)]
    if len(parts) == 1 or len(parts) != len(node.parts):
        return node
    relations, schemas = _names_around(node)
    if not relations or parts[0].name.lower() in schemas:
        return node
    own = 2 if parts[0].name.lower() in relations else 1
    if len(parts) <= own:
        return node
    table = _folded(parts[0]) if own == 2 else None
    value: exp.Expression = exp.Column(this=_folded(parts[own - 1]), table=table)
    *path, last = [exp.Literal.string(part.name if part.args.get("quoted") else part.name.lower()) for part in parts[own:]]
    for step in path:
        value = exp.Bracket(this=value, expressions=[step])
    if isinstance(node.parent, exp.Cast) and node.parent.to.this in _TEXT:
        return exp.paren(exp.JSONExtractScalar(this=value, expression=last))
    value = exp.Bracket(this=value, expressions=[last])
    in_result = isinstance(node.parent, exp.Select) and node.arg_key == "expressions"
    return exp.Alias(this=value, alias=exp.to_identifier(last.name, quoted=True)) if in_result else value


def _folded(part: exp.Identifier) -> exp.Identifier:
    return exp.to_identifier(part.name.lower(), quoted=bool(part.args.get("quoted")))


def _names_around(node: exp.Expression) -> tuple[set[str], set[str]]:
    """The names by which the queries around a column know their relations, and the schemas that they name."""
    relations: set[str] = set()
    schemas: set[str] = set()
    around = node.parent
    while around is not None:
        if isinstance(around, exp.Query | exp.DML):
            for table in around.find_all(exp.Table, exp.Subquery, exp.CTE, exp.Lateral):
                relations.add(table.alias_or_name.lower())
                schemas.add(table.db.lower() if isinstance(table, exp.Table) else "")
        around = around.parent
    return relations - {""}, schemas - {""}
