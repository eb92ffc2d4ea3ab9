"""The producer's side of datashares: what is in them and who has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from autopilot.domain.inside import datashare_sql
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.shares import Consumer, Produced
from autopilot.domain.inside.model import Catalog, Compared, Context, Drift, Fate, Step, fate_of
from autopilot.domain.inside.quoting import name_problems

SECTION = "datashares"
#: A schema and a name in it.
Relation = tuple[str, str]


def problems(shares: list[Produced]) -> list[str]:
    """What contradicts, each with its path."""
    path = "spec.datashares.produces"
    found = [
        f"{path}: the datashare {name} is declared {count} times"
        for name, count in Counter(one.name for one in shares).items()
        if count > 1
    ]
    for number, share in enumerate(shares):
        found += _problems_of(f"{path}[{number}]", share)
    return found


def _problems_of(path: str, share: Produced) -> Iterator[str]:
    whole = [schema.name for schema in share.schemas]
    names = [(f"{path}.name", share.name)]
    names += [(f"{path}.schemas[{number}].name", name) for number, name in enumerate(whole)]
    for number, table in enumerate(share.tables):
        names += [(f"{path}.tables[{number}].schema", table.schema), (f"{path}.tables[{number}].name", table.name)]
        if table.schema in whole:
            yield f"{path}.tables[{number}]: the schema {table.schema} is in `schemas`, with all its tables"
    yield from name_problems(names)
    for number, consumer in enumerate(share.consumers):
        if (consumer.namespace is None) == (consumer.account is None):
            yield f"{path}.consumers[{number}]: give exactly one of namespace and account"
    for what, listed in (("schemas", whole), ("tables", [(one.schema, one.name) for one in share.tables]), ("consumers", share.consumers)):
        if len(set(listed)) < len(listed):
            yield f"{path}.{what}: the same is listed twice"


def compare(shares: list[Produced], spec: Inside, seen: Catalog, context: Context) -> Compared:
    """What it takes to make the datashares of this database what is declared.

    What would take access away (an object, a consumer or a whole datashare that is not declared) is drift, and removed with `prune` only.
    """
    steps: list[Step] = []
    drift: list[Drift] = []
    there = {row["share_name"]: row for row in seen["datashares"] if row["share_type"] == "OUTBOUND"}
    for share in shares:
        row = there.pop(share.name, None)
        if row is not None and not row["here"]:
            what = f"belongs to the database {row['source_database']}, and can only be changed there; a datashare's name is unique in its namespace"
            drift.append(_drift(f"datashare {share.name}", what, "kept"))
            continue
        one = _Share(share, spec, seen, context)
        steps += one.steps(row)
        drift += one.drift
    for name, row in there.items():
        extra = _extra_share(name, row, prune=spec.prune)
        drift.append(extra)
        if extra.fate == "removed":
            steps.append(_step(f"drop datashare {name}", "it is not declared", datashare_sql.drop(name), marks=[f"gone:datashare:{name}"]))
    return Compared(steps, drift)


def _extra_share(name: str, row: dict[str, object], *, prune: bool) -> Drift:
    if row["managed_by"]:
        return _drift(f"datashare {name}", f"is not declared; it is managed by {row['managed_by']}", fate_of(prune=prune, kept=True))
    if not row["here"]:
        what = f"is not declared; it belongs to the database {row['source_database']}"
        return _drift(f"datashare {name}", what, fate_of(prune=prune, kept=True))
    return _drift(f"datashare {name}", "is not declared", fate_of(prune=prune))


def _drift(thing: str, what: str, fate: Fate) -> Drift:
    return Drift(section=SECTION, object=thing, what=what, fate=fate)


def _step(name: str, reason: str, sql: str, *, reverse: str = "", marks: list[str] | None = None, after: list[str] | None = None) -> Step:
    return Step(section=SECTION, name=name, reason=reason, sql=sql, reverse=reverse, marks=marks or [], after=after or [])


class _Share:
    """One declared datashare beside what the catalog says of it."""

    def __init__(self, declared: Produced, spec: Inside, seen: Catalog, context: Context) -> None:
        self.declared, self.name, self.prune, self.context = declared, declared.name, spec.prune, context
        self.drift: list[Drift] = []
        objects = [row for row in seen["datashare objects"] if row["share_name"] == self.name]
        self.shared_schemas = {row["object_name"]: bool(row["include_new"]) for row in objects if row["object_type"] == "schema"}
        self.functions = [row["object_name"] for row in objects if row["object_type"] == "function"]
        self.shared = [row["object_name"] for row in objects if row["object_type"] not in ("schema", "function")]
        self.consumers = {_consumer_of(row, context.account) for row in seen["datashare consumers"] if row["share_name"] == self.name}
        self.existing = {(row["schema_name"], row["relation_name"]) for row in seen.get("relations of shared schemas", [])}
        self.coming = {(one.schema, one.name) for section in (spec.views, spec.materialized_views, spec.streams) for one in section or ()}

    def steps(self, row: dict[str, object] | None) -> list[Step]:
        declared, found = self.declared, []
        if row is None:
            sql = datashare_sql.create(self.name, public_accessible=declared.public_accessible)
            found.append(
                _step(
                    f"create datashare {self.name}",
                    "it is not there",
                    sql,
                    reverse=datashare_sql.drop(self.name),
                    marks=[f"datashare:{self.name}"],
                )
            )
        elif bool(row["is_publicaccessible"]) != declared.public_accessible:
            found.append(self._public_accessible())
        for schema in declared.schemas:
            found += self._whole_schema(schema.name, include_new=schema.include_new)
        for schema_name in sorted({table.schema for table in declared.tables}):
            found += self._schema(schema_name)
        found += [self._table((one.schema, one.name)) for one in declared.tables if f"{one.schema}.{one.name}" not in self.shared]
        objects = [token for step in found for token in step.marks]
        found += self._consumers(objects)
        return found + self._removals()

    def _public_accessible(self) -> Step:
        wanted = self.declared.public_accessible
        sql, reverse = (datashare_sql.set_public_accessible(self.name, wanted=value) for value in (wanted, not wanted))
        reason = f"public_accessible is {str(not wanted).lower()}"
        return _step(f"set publicaccessible of datashare {self.name}", reason, sql, reverse=reverse)

    def _token(self, what: str) -> str:
        return f"datashare:{self.name}/{what}"

    def _schema(self, schema: str) -> list[Step]:
        if schema in self.shared_schemas:
            return []
        sql, reverse = (datashare_sql.schema(self.name, schema, add=add) for add in (True, False))
        after = [f"datashare:{self.name}", f"schema:{schema}"]
        name = f"add schema {schema} to datashare {self.name}"
        return [_step(name, "it is not in the datashare", sql, reverse=reverse, marks=[self._token(schema)], after=after)]

    def _table(self, relation: Relation) -> Step:
        schema, name = relation
        sql, reverse = (datashare_sql.table(self.name, schema, name, add=add) for add in (True, False))
        after = [f"datashare:{self.name}", self._token(schema), f"relation:{schema}.{name}"]
        title = f"add table {schema}.{name} to datashare {self.name}"
        return _step(title, "it is not in the datashare", sql, reverse=reverse, marks=[self._token(f"{schema}.{name}")], after=after)

    def _whole_schema(self, schema: str, *, include_new: bool) -> list[Step]:
        found = self._schema(schema)
        relations = sorted(one for one in self.existing | self.coming if one[0] == schema)
        included = self.shared_schemas.get(schema, False)
        if found and relations:
            sql, reverse = (datashare_sql.all_tables(self.name, schema, add=add) for add in (True, False))
            after = [self._token(schema), *(f"relation:{schema}.{name}" for _, name in relations)]
            name = f"add all tables in schema {schema} to datashare {self.name}"
            found.append(
                _step(name, "the schema was not in the datashare", sql, reverse=reverse, marks=[self._token(f"{schema}.*")], after=after)
            )
        elif not found:
            missing = [one for one in relations if ".".join(one) not in self.shared]
            # Redshift adds what is made from now on by itself where the schema includes it, and refuses what is in the datashare already.
            found += [self._table(one) for one in missing if one in self.existing or not included]
        if included != include_new:
            sql, reverse = (datashare_sql.set_include_new(self.name, schema, wanted=wanted) for wanted in (include_new, included))
            after = [token for step in found for token in step.marks] + [f"relation:{schema}.{name}" for _, name in relations]
            name = f"set includenew for schema {schema} of datashare {self.name}"
            found.append(
                _step(
                    name, f"include_new is {str(included).lower()}", sql, reverse=reverse, marks=[self._token(f"{schema}/new")], after=after
                )
            )
        return found

    def _consumers(self, objects: list[str]) -> list[Step]:
        found = []
        for consumer in self.declared.consumers:
            who = _words(consumer)
            token = self._token(f"usage/{consumer.namespace or consumer.account}")
            if consumer not in self.consumers:
                sql, reverse = (
                    datashare_sql.usage(self.name, namespace=consumer.namespace, account=consumer.account, granted=granted)
                    for granted in (True, False)
                )
                name, after = f"grant usage on datashare {self.name} to {who}", [f"datashare:{self.name}", *objects]
                found.append(_step(name, f"{who} has no usage", sql, reverse=reverse, marks=[token], after=after))
            if consumer.account and not self._authorised(consumer.account):
                found.append(self._authorise(consumer.account, token))
        return found

    def _authorised(self, account: str) -> bool:
        return any(
            association["ConsumerIdentifier"] == account and association["Status"] in ("AUTHORIZED", "ACTIVE")
            for share in self.context.datashares
            if share["DataShareArn"] == self._arn()
            for association in share.get("DataShareAssociations", [])
        )

    def _arn(self) -> str:
        return arn(self.context.region, self.context.account, self.context.namespace, self.name)

    def _authorise(self, account: str, after: str) -> Step:
        return Step(
            section=SECTION,
            name=f"authorize datashare {self.name} for account {account}",
            reason=f"the account {account} is not authorized",
            call="authorize_data_share",
            arguments={"DataShareArn": self._arn(), "ConsumerIdentifier": account},
            marks=[self._token(f"authorized/{account}")],
            after=[after],
        )

    def _removals(self) -> list[Step]:
        """What is in the datashare and not declared; only what is named by one schema and one name can be removed."""
        whole = {schema.name for schema in self.declared.schemas}
        tables = {f"{one.schema}.{one.name}" for one in self.declared.tables}
        kept = whole | {table.schema for table in self.declared.tables}
        extra = [(name, schema) for name in self.shared if name not in tables and (schema := self._schema_of(name)) not in whole]
        found = [step for name, schema in extra for step in self._remove_table(name, schema)]
        for name in self.functions:
            self.drift.append(
                _drift(f"function {name} in datashare {self.name}", "functions are not managed here", fate_of(prune=self.prune, kept=True))
            )
        for schema in self.shared_schemas:
            if schema not in kept:
                found += self._remove_schema(schema)
        for consumer in sorted(self.consumers - set(self.declared.consumers), key=_words):
            found += self._revoke(consumer)
        return found

    def _schema_of(self, name: str) -> str:
        """The schema of an object as the catalog names it, `schema.name` without quotes; the longest where several fit."""
        fitting = [schema for schema in self.shared_schemas if name.startswith(f"{schema}.")]
        return max(fitting, key=len, default=name.partition(".")[0])

    def _fate(self, thing: str, what: str) -> bool:
        self.drift.append(_drift(f"{thing} in datashare {self.name}", what, fate_of(prune=self.prune)))
        return self.prune

    def _remove_table(self, full: str, schema: str) -> list[Step]:
        if not self._fate(f"table {full}", "is not declared"):
            return []
        sql, reverse = (datashare_sql.table(self.name, schema, full[len(schema) + 1 :], add=add) for add in (False, True))
        name = f"remove table {full} from datashare {self.name}"
        return [_step(name, "it is not declared", sql, reverse=reverse, marks=[f"gone:{self._token(full)}"])]

    def _remove_schema(self, schema: str) -> list[Step]:
        inside = [name for name in self.shared if self._schema_of(name) == schema]
        if any(name.startswith(f"{schema}.") for name in self.functions):
            self.drift.append(
                _drift(
                    f"schema {schema} in datashare {self.name}", "is not declared; it holds functions", fate_of(prune=self.prune, kept=True)
                )
            )
            return []
        if not self._fate(f"schema {schema}", "is not declared"):
            return []
        sql, reverse = (datashare_sql.schema(self.name, schema, add=add) for add in (False, True))
        after = [f"gone:{self._token(name)}" for name in inside]
        name = f"remove schema {schema} from datashare {self.name}"
        return [_step(name, "it is not declared", sql, reverse=reverse, marks=[f"gone:{self._token(schema)}"], after=after)]

    def _revoke(self, consumer: Consumer) -> list[Step]:
        who = _words(consumer)
        if not self._fate(f"usage of {who}", "is not declared"):
            return []
        sql, reverse = (
            datashare_sql.usage(self.name, namespace=consumer.namespace, account=consumer.account, granted=granted)
            for granted in (False, True)
        )
        name = f"revoke usage on datashare {self.name} from {who}"
        return [_step(name, "it is not declared", sql, reverse=reverse, marks=[f"gone:{self._token(f'usage/{who}')}"])]


def arn(region: str, account: str, namespace: str, share: str) -> str:
    """The ARN of a datashare. Source: service authorization reference, "Actions, resources, and condition keys for Amazon Redshift"."""
    return f"arn:aws:redshift:{region}:{account}:datashare:{namespace}/{share}"


def _consumer_of(row: dict[str, str | None], own_account: str) -> Consumer:
    """Whose usage a row is: that of a namespace of the same account, or that of another account (whichever namespaces it associated)."""
    account, namespace = row["consumer_account"], row["consumer_namespace"]
    return Consumer(namespace=namespace) if namespace and account in (None, "", own_account) else Consumer(account=account)


def _words(consumer: Consumer) -> str:
    return f"namespace {consumer.namespace}" if consumer.namespace else f"account {consumer.account}"
