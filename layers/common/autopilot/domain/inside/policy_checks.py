"""What contradicts in the policies of a spec, each with its path."""

from __future__ import annotations

from collections.abc import Iterator

from autopilot.domain.inside.attachments import Place, place_of, whom_of
from autopilot.domain.inside.declared.everything import Inside
from autopilot.domain.inside.declared.names import Column, Grantee, Relation
from autopilot.domain.inside.declared.policies import MaskAttachment, MaskingPolicy, RowLevelSecurity, RowPolicy
from autopilot.domain.inside.expressions import expression_problem
from autopilot.domain.inside.policy_sql import tables_named
from autopilot.domain.inside.quoting import name_problems

SECURITY_ADMINISTRATOR = "sys:secadmin"


def masking_problems(policies: list[MaskingPolicy]) -> list[str]:
    """What AWS would refuse of masking policies: see ATTACH MASKING POLICY and "Dynamic data masking policy hierarchy"."""
    found = [problem for n, policy in enumerate(policies) for problem in _masking_policy(policy, f"spec.masking[{n}]")]
    found += _repeated([policy.name for policy in policies], "spec.masking")
    placed = [
        (f"spec.masking[{n}].attach[{m}]", policy.name, one, column)
        for n, policy in enumerate(policies)
        for m, one in enumerate(policy.attach)
        for column in one.columns
    ]
    priorities: dict[tuple[Place, str, int], str] = {}
    grantees: set[tuple[Place, str, str]] = set()
    for path, name, one, column in placed:
        place = place_of(one.table)
        if priorities.setdefault((place, column, one.priority), name) != name:
            other = priorities[place, column, one.priority]
            found.append(
                f"{path}.priority: {place.text}({column}) has the policy {other!r} with priority {one.priority} too; give each its own"
            )
        if _one_grantee(one.to) and (key := (place, column, whom_of(one.to).text)) in grantees:
            found.append(f"{path}.to: {whom_of(one.to).text} has a policy for {place.text}({column}) already; attach one of them")
        elif _one_grantee(one.to):
            grantees.add(key)
    return found


def _masking_policy(policy: MaskingPolicy, path: str) -> Iterator[str]:
    yield from name_problems([(f"{path}.name", policy.name)])
    yield from _columns(policy.columns, f"{path}.columns")
    for n, text in enumerate(policy.using):
        yield from _expression(text, f"{path}.using[{n}]")
    for n, one in enumerate(policy.attach):
        yield from _mask_attachment(policy, one, f"{path}.attach[{n}]")


def _mask_attachment(policy: MaskingPolicy, one: MaskAttachment, path: str) -> Iterator[str]:
    yield from _relation(one.table, f"{path}.table")
    yield from _grantee(one.to, f"{path}.to")
    for field, names in (("columns", one.columns), ("using", one.using)):
        for n, name in enumerate(names):
            yield from name_problems([(f"{path}.{field}[{n}]", name)])
        yield from _repeated(names, f"{path}.{field}")
    if len(one.columns) != len(policy.using):
        yield f"{path}.columns: {len(one.columns)} are masked, and the policy has {len(policy.using)} expressions; it needs one for each"
    taken = one.using or one.columns
    if len(taken) != len(policy.columns):
        field = "using" if one.using else "columns"
        yield f"{path}.{field}: the policy takes {len(policy.columns)} columns, and gets {len(taken)}; name them in `using` in their order"


def row_problems(spec: Inside, section: RowLevelSecurity) -> list[str]:
    """What AWS would refuse of row-level security: see CREATE RLS POLICY and ATTACH RLS POLICY."""
    root = "spec.row_level_security"
    found = [problem for n, policy in enumerate(section.policies) for problem in _row_policy(policy, f"{root}.policies[{n}]")]
    found += _repeated([policy.name for policy in section.policies], f"{root}.policies")
    found += _repeated([place_of(one.table).text for one in section.tables], f"{root}.tables")
    found += [problem for n, one in enumerate(section.tables) for problem in _relation(one.table, f"{root}.tables[{n}].table")]
    if not found:
        found += [*_exempt(spec, section), *_aliases(section), *_protected_lookups(section), *_repeated_attachments(section)]
    return found


def _row_policy(policy: RowPolicy, path: str) -> Iterator[str]:
    yield from name_problems([(f"{path}.name", policy.name)])
    yield from _columns(policy.columns, f"{path}.columns")
    yield from _expression(policy.using, f"{path}.using")
    if policy.alias is not None:
        yield from name_problems([(f"{path}.alias", policy.alias)])
        if not policy.columns:
            yield f"{path}.alias: stands for the table of `columns`, and none are given; leave it out"
    for n, one in enumerate(policy.attach):
        yield from _relation(one.table, f"{path}.attach[{n}].table")
        for m, grantee in enumerate(one.to):
            yield from _grantee(grantee, f"{path}.attach[{n}].to[{m}]")


def _exempt(spec: Inside, section: RowLevelSecurity) -> Iterator[str]:
    """Nobody can attach a policy to those whom it does not bind."""
    superusers = {user.name for user in spec.users or [] if user.superuser}
    for path, _, _, grantee in _attached(section):
        if grantee.user in superusers or grantee.role == SECURITY_ADMINISTRATOR:
            yield f"{path}: {whom_of(grantee).text} sees every row whatever is attached; AWS refuses to attach a policy to it"


def _aliases(section: RowLevelSecurity) -> Iterator[str]:
    first: dict[Place, RowPolicy] = {}
    for path, policy, place, _ in _attached(section):
        if policy.columns and (other := first.setdefault(place, policy)).alias != policy.alias:
            yield f"{path}: the policies {other.name!r} and {policy.name!r} call {place.text} by different aliases; all policies of a table have one"


def _protected_lookups(section: RowLevelSecurity) -> Iterator[str]:
    protected = {place_of(one.table) for one in section.tables} | {place for _, _, place, _ in _attached(section)}
    for n, policy in enumerate(section.policies):
        for table in tables_named(policy.using):
            if table in protected:
                yield f"spec.row_level_security.policies[{n}].using: reads {table.text}, which has row-level security itself; AWS refuses that"


def _repeated_attachments(section: RowLevelSecurity) -> Iterator[str]:
    seen = set()
    for path, policy, place, grantee in _attached(section):
        key = (policy.name, place, whom_of(grantee))
        if key in seen:
            yield f"{path}: {whom_of(grantee).text} is named twice for {place.text}"
        seen.add(key)


def _attached(section: RowLevelSecurity) -> Iterator[tuple[str, RowPolicy, Place, Grantee]]:
    for n, policy in enumerate(section.policies):
        for m, at in enumerate(policy.attach):
            for k, grantee in enumerate(at.to):
                yield f"spec.row_level_security.policies[{n}].attach[{m}].to[{k}]", policy, place_of(at.table), grantee


# What both have in common -------------------------------------------------------------------------------------------


def _one_grantee(grantee: Grantee) -> bool:
    return sum([grantee.role is not None, grantee.user is not None, grantee.public]) == 1 and grantee.group is None


def _grantee(grantee: Grantee, path: str) -> Iterator[str]:
    if grantee.group is not None:
        yield f"{path}.group: Redshift attaches policies to users, roles and everybody, not to groups; use a role"
    elif not _one_grantee(grantee):
        yield f"{path}: name exactly one of role, user and `public: true`"
    for field in ("role", "user"):
        if (name := getattr(grantee, field)) is not None:
            yield from name_problems([(f"{path}.{field}", name)])


def _relation(relation: Relation, path: str) -> Iterator[str]:
    yield from name_problems([(f"{path}.schema", relation.schema), (f"{path}.name", relation.name)])


def _columns(columns: list[Column], path: str) -> Iterator[str]:
    for n, column in enumerate(columns):
        yield from name_problems([(f"{path}[{n}].name", column.name)])
    yield from _repeated([column.name for column in columns], path)


def _expression(text: str, path: str) -> Iterator[str]:
    if problem := expression_problem(text):
        yield f"{path}: {problem}"


def _repeated(names: list[str], path: str) -> list[str]:
    return [f"{path}[{n}]: {name!r} stands there twice" for n, name in enumerate(names) if name in names[:n]]
