"""What contradicts in the section `streams`."""

from __future__ import annotations

from collections.abc import Iterator

from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.flows import Stream
from autopilot.domain.inside.expressions import condition_problem, selected_problem
from autopilot.domain.inside.quoting import name_problems
from autopilot.domain.inside.streaming import create_schema


def problems(spec: Inside) -> list[str]:
    """Each contradiction of the section with its path."""
    found: list[str] = []
    views: set[tuple[str, str]] = set()
    made: dict[str, str] = {}
    for number, stream in enumerate(spec.streams or []):
        path = f"spec.streams[{number}]"
        found += [f"{path}.{problem}" for problem in _of_stream(stream)]
        if (stream.schema, stream.name) in views:
            found.append(f"{path}.name: {stream.schema}.{stream.name} is declared twice")
        views.add((stream.schema, stream.name))
        if not any(problem.startswith((f"{path}.external_schema", f"{path}.role")) for problem in found):
            connection = create_schema(stream)
            if made.setdefault(stream.external_schema, connection) != connection:
                found.append(f"{path}.external_schema: {stream.external_schema} is declared before with another source, role or connection")
    return [*found, *_of_others(spec)]


def _of_stream(stream: Stream) -> Iterator[str]:
    yield from name_problems((field, getattr(stream, field)) for field in ("schema", "name", "external_schema"))
    yield from name_problems((f"sort[{place}]", column) for place, column in enumerate(stream.sort))
    yield from _of_connection(stream)
    if stream.select is not None and (problem := selected_problem(stream.select)):
        yield f"select: {problem}"
    if stream.where is not None and (problem := condition_problem(stream.where)):
        yield f"where: {problem}"
    spread = stream.distribution
    if (spread.style == "key") != (spread.column is not None):
        yield "distribution.column: goes with style key, which needs it"
    else:
        yield from name_problems([("distribution.column", spread.column)])


def _of_connection(stream: Stream) -> Iterator[str]:
    kafka = ("cluster_arn", "uri", "certificate_arn", "secret_arn")
    if stream.source == "kinesis":
        yield from (f"{field}: is for msk and kafka" for field in kafka if getattr(stream, field) is not None)
        if stream.authentication != "iam":
            yield "authentication: Kinesis takes iam only"
        return
    if stream.source == "kafka" and stream.cluster_arn:
        yield "cluster_arn: is for msk; kafka takes a uri"
    elif (stream.cluster_arn is None) == (stream.uri is None):
        yield f"uri: {stream.source} needs {'exactly one of uri and cluster_arn' if stream.source == 'msk' else 'one'}"
    given = [field for field in ("certificate_arn", "secret_arn") if getattr(stream, field) is not None]
    if stream.authentication == "mtls" and len(given) != 1:
        yield "certificate_arn: mtls needs exactly one of certificate_arn and secret_arn"
    if stream.authentication != "mtls":
        yield from (f"{field}: is for authentication mtls" for field in given)


def _of_others(spec: Inside) -> Iterator[str]:
    """What other sections say of the same things, and the parameters, where they are stated."""
    streams = spec.streams or []
    external = {one.name for one in spec.external_schemas or []} | {one.name for one in spec.schemas or []}
    views = {(one.schema, one.name) for one in spec.materialized_views or []} | {(one.schema, one.name) for one in spec.views or []}
    for number, stream in enumerate(streams):
        path = f"spec.streams[{number}]"
        if stream.external_schema in external:
            yield f"{path}.external_schema: {stream.external_schema} is declared as a schema of another kind"
        if (stream.schema, stream.name) in views:
            yield f"{path}.name: {stream.schema}.{stream.name} is declared as a view, too"
        if stream.stream != stream.stream.lower() and case_sensitive(spec) is False:
            yield f"{path}.stream: has capital letters, which the warehouse takes with the parameter enable_case_sensitive_identifier only"


def case_sensitive(spec: Inside) -> bool | None:
    """Whether the parameters of the spec turn enable_case_sensitive_identifier on; None where they are not stated here."""
    parameters = getattr(spec, "parameters", None)
    if parameters is None or parameters.values is None:
        return None
    return bool(parameters.as_text().get("enable_case_sensitive_identifier", "false") == "true")
