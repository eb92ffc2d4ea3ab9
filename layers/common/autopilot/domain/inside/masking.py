"""Dynamic data masking: the policies, and for whom they mask which columns."""

from __future__ import annotations

from autopilot.domain.inside import attachments, policy_checks, policy_plan, policy_sql
from autopilot.domain.inside.attachments import Attachment, decoded, place_of, whom_of, whom_seen
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.policies import MaskingPolicy
from autopilot.domain.inside.model import Catalog, Compared, Context, Question, fingerprint
from autopilot.domain.inside.policy_plan import Declared, Seen, Side

SIDE = Side(section="masking", kind="MASKING", token="masking_policy")  # noqa: S106 - the kind of a token of the plan
#: Source: SVV_MASKING_POLICY and SVV_ATTACHED_MASKING_POLICY, whose lists are JSON.
POLICIES = Question(
    "masking policies",
    "SELECT policy_name, input_columns, policy_expression FROM svv_masking_policy WHERE policy_database = current_database()",
)
ATTACHED = Question(
    "attached masking policies",
    "SELECT policy_name, schema_name, table_name, grantee, grantee_type, priority, input_columns, output_columns FROM svv_attached_masking_policy",
)


def problems(spec: Inside) -> list[str]:
    """What contradicts in the section, each with its path."""
    return policy_checks.masking_problems(spec.masking or [])


def questions(spec: Inside) -> list[Question]:
    """The policies and their attachments; also of what the spec may drop to make it again."""
    return [POLICIES, ATTACHED] if spec.masking is not None or attachments.may_remake(spec) else []


def compare(spec: Inside, seen: Catalog, context: Context) -> Compared:
    """Policies created, altered or made anew; attached and, with `prune`, detached."""
    found = [_attached(row) for row in seen.get(ATTACHED.name, [])]
    if spec.masking is None:
        return Compared(policy_plan.restored(SIDE, found, context))
    wanted = [
        Attachment(policy.name, place_of(one.table), whom_of(one.to), tuple(one.columns), tuple(one.using or one.columns), one.priority)
        for policy in spec.masking
        for one in policy.attach
    ]
    return policy_plan.plan(SIDE, [_declared(one) for one in spec.masking], _there(seen), wanted, found, context, prune=spec.prune)


def definitions(spec: Inside, seen: Catalog) -> dict[str, tuple[str, str]]:
    """Each declared policy's columns and expressions, as declared and as the catalog gives them."""
    there = _there(seen) if spec.masking else {}
    return {
        f"{SIDE.token}:{one.name}": (_declared(one).definition, there[one.name].definition)
        for one in spec.masking or []
        if one.name in there
    }


def _declared(policy: MaskingPolicy) -> Declared:
    columns = [f"{column.name} {column.type}" for column in policy.columns]
    lookups = {place for text in policy.using for place in policy_sql.tables_named(text)}
    return Declared(
        name=policy.name,
        create=policy_sql.create_masking_policy(policy),
        alter=policy_sql.alter_masking_policy(policy),
        columns=policy.columns,
        alias="",
        outputs=len(policy.using),
        lookups=sorted(lookups, key=lambda place: place.text),
        definition=fingerprint(*columns, "using", *policy.using),
    )


def _there(seen: Catalog) -> dict[str, Seen]:
    return {
        row["policy_name"]: Seen(
            name=row["policy_name"],
            columns=[(str(one.get("colname")), str(one.get("type"))) for one in decoded(row["input_columns"]) if isinstance(one, dict)],
            alias="",
            outputs=len(decoded(row["policy_expression"])),
            definition=fingerprint(str(row["input_columns"]), str(row["policy_expression"])),
        )
        for row in seen[POLICIES.name]
    }


def _attached(row: dict[str, object]) -> Attachment:
    outputs = tuple(str(name) for name in decoded(row["output_columns"])) or (str(row["output_columns"]),)
    return Attachment(
        str(row["policy_name"]),
        attachments.Place(str(row["schema_name"]), str(row["table_name"])),
        whom_seen(str(row["grantee_type"]), str(row["grantee"])),
        outputs,
        tuple(str(name) for name in decoded(row["input_columns"])) or outputs,
        int(str(row["priority"])),
    )
