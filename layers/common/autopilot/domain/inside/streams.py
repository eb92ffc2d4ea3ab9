"""The section `streams`: streaming materialized views, and the external schemas that they read through."""

from __future__ import annotations

from typing import Any

from autopilot.domain.inside import streaming
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.flows import Stream
from autopilot.domain.inside.model import Catalog, Compared, Context, Drift, Fate, Question, Step, fate_of, fingerprint
from autopilot.domain.inside.streams_checks import problems

__all__ = ["compare", "definitions", "problems", "questions"]

Row = dict[str, Any]
_SECTION = "streams"
#: Source: SVV_EXTERNAL_SCHEMAS, `eskind`: 9 is Kinesis, 10 Kafka.
_KINDS = {"9": "kinesis", "10": "kafka"}
_SCHEMAS = Question(
    "streaming schemas", "SELECT schemaname, eskind, esoptions FROM svv_external_schemas WHERE eskind IN (9, 10) ORDER BY schemaname"
)
#: Every schema of that name, streaming or not.
_VIEWS = Question("streaming views", "SELECT schema, name, autorefresh FROM stv_mv_info WHERE db_name = current_database()")
#: Which views were seen to read a stream: kept for some days. Source: SYS_STREAM_SCAN_STATES.
_SCANS = Question(
    "streams scanned", "SELECT DISTINCT external_schema_name, stream_name, mv_name FROM sys_stream_scan_states WHERE mv_name <> ''"
)
_REFILL = (
    "create it under another name, move the rows by ALTER TABLE ... APPEND FROM while no refresh runs, and declare that one; "
    "or drop it yourself if its rows may go"
)


def questions(spec: Inside) -> list[Question]:
    """The streaming schemas, the materialized views, and what was seen to read a stream."""
    return [_SCHEMAS, _VIEWS, _SCANS] if spec.streams is not None else []


def compare(spec: Inside, seen: Catalog, context: Context) -> Compared:
    """Create what is missing, set automatic refresh, change what Kafka's schemas can change; the rest is said, and nothing is ever dropped."""
    if spec.streams is None:
        return Compared()
    schemas = {_text(row["schemaname"]): row for row in seen[_SCHEMAS.name]}
    views = {(_text(row["schema"]), _text(row["name"])): row for row in seen[_VIEWS.name]}
    parts = [_schema(stream, schemas, context) for stream in {one.external_schema: one for one in spec.streams}.values()]
    parts += [_view(stream, views, context) for stream in spec.streams]
    parts.append(_undeclared(spec, seen, schemas, views))
    return Compared([step for part in parts for step in part.steps], [drift for part in parts for drift in part.drift])


def definitions(spec: Inside, seen: Catalog) -> dict[str, tuple[str, str]]:  # noqa: ARG001 - the catalog gives no view's query as it was written
    """What each schema and view was made with: the catalog gives neither back as it was written."""
    streams = spec.streams or []
    return {
        **{f"external_schema:{one.external_schema}": (_of_schema(one), "") for one in streams},
        **{f"relation:{one.schema}.{one.name}": (_of_view(one), "") for one in streams},
    }


def _of_schema(stream: Stream) -> str:
    return fingerprint(streaming.create_schema(stream))


def _of_view(stream: Stream) -> str:
    return fingerprint(streaming.definition(stream))


def _schema(stream: Stream, schemas: dict[str, Row], context: Context) -> Compared:
    name, token = stream.external_schema, f"external_schema:{stream.external_schema}"
    row, known = schemas.get(name), context.known.get(token)
    marks = [token, f"schema:{name}"]
    if row is None:
        return Compared(
            [
                Step(
                    section=_SECTION,
                    name=f"create external schema {name}",
                    reason=f"stream {stream.stream} is read through it, and it is not there",
                    sql=streaming.create_schema(stream),
                    reverse=streaming.drop_schema(name),
                    marks=marks,
                )
            ]
        )
    if (kind := _KINDS[_text(row["eskind"])]) != ("kinesis" if stream.source == "kinesis" else "kafka"):
        return _kept(
            f"external schema {name}", f"reads {kind}, not {stream.source}: use another name for the external schema of {stream.source}"
        )
    changed = known.declared != _of_schema(stream) if known else not _same_role(stream, _text(row["esoptions"]))
    if not changed:
        return Compared()
    if stream.source == "kinesis":
        what = (
            f"was made with another IAM role than {stream.role}, and a schema on Kinesis cannot be altered: give the old role the permissions, "
            "or declare another external schema and view"
        )
        return _kept(f"external schema {name}", what)
    return Compared(
        [
            Step(
                section=_SECTION,
                name=f"alter external schema {name}",
                reason="it was made with another connection than the spec's",
                sql=streaming.alter_schema(stream),
                marks=marks,
            )
        ]
    )


def _same_role(stream: Stream, options: str) -> bool:
    """Of a schema that Autopilot did not make only the role is compared: what else its options say is not documented."""
    return stream.role == "default" or "IAM_ROLE" not in options or stream.role in options


def _view(stream: Stream, views: dict[tuple[str, str], Row], context: Context) -> Compared:
    label, token = f"{stream.schema}.{stream.name}", f"relation:{stream.schema}.{stream.name}"
    row, known = views.get((stream.schema, stream.name)), context.known.get(token)
    if row is None:
        return Compared(
            [
                Step(
                    section=_SECTION,
                    name=f"create streaming view {label}",
                    reason="it is not there",
                    sql=streaming.create_view(stream),
                    reverse=streaming.drop_view(stream),
                    marks=[token],
                    after=[f"external_schema:{stream.external_schema}", f"schema:{stream.schema}"],
                    alone=True,
                )
            ]
        )
    steps = []
    if _is_on(row["autorefresh"]) != stream.auto_refresh:
        steps.append(
            Step(
                section=_SECTION,
                name=f"set automatic refresh of {label}",
                reason=f"it is {'off' if stream.auto_refresh else 'on'}",
                sql=streaming.alter_refresh(stream, on=stream.auto_refresh),
                reverse=streaming.alter_refresh(stream, on=not stream.auto_refresh),
            )
        )
    if known is None:
        return Compared(
            steps, _kept(f"streaming view {label}", "was not made by Autopilot: whether it is as declared cannot be told").drift
        )
    if known.declared != _of_view(stream):
        what = f"is declared otherwise than it was made, and its rows may be gone from the stream: {_REFILL}"
        return Compared(steps, _kept(f"streaming view {label}", what).drift)
    return Compared(steps)


def _undeclared(spec: Inside, seen: Catalog, schemas: dict[str, Row], views: dict[tuple[str, str], Row]) -> Compared:
    declared = spec.streams or []
    names, read = {one.external_schema for one in declared}, {one.name for one in declared}
    drift: list[Drift] = []
    steps: list[Step] = []
    needed: set[str] = set()
    for row in seen[_SCANS.name]:
        name = _text(row["mv_name"])
        for schema, view in sorted(views):
            if view == name and name not in read:
                needed.add(_text(row["external_schema_name"]))
                drift.append(
                    _drift(f"streaming view {schema}.{view}", f"is not declared; it shows stream {_text(row['stream_name'])}", "kept")
                )
    for name in sorted(set(schemas) - names):
        kind = _KINDS[_text(schemas[name]["eskind"])]
        prunable = spec.prune and name not in needed
        fate = fate_of(prune=spec.prune, kept=name in needed)
        drift.append(_drift(f"external schema {name}", f"is not declared; it reads {kind}", fate))
        if prunable:
            steps.append(
                Step(
                    section=_SECTION,
                    name=f"drop external schema {name}",
                    reason="it is not declared, and no streaming view is known to read it",
                    sql=streaming.drop_schema(name),
                    marks=[f"gone:external_schema:{name}", f"gone:schema:{name}"],
                )
            )
    return Compared(steps, drift)


def _kept(what: str, why: str) -> Compared:
    return Compared(drift=[_drift(what, why, "kept")])


def _drift(what: str, why: str, fate: Fate) -> Drift:
    return Drift(section=_SECTION, object=what, what=why, fate=fate)


def _text(value: object) -> str:
    """System tables pad their names with blanks."""
    return str(value if value is not None else "").strip()


def _is_on(value: object) -> bool:
    return _text(value).lower() in {"t", "true", "1", "y", "yes"}
