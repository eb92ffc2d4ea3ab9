"""Secrets of database users: read, or made, at the moment when a statement needs one. Only names, versions and hashes leave this module."""

from __future__ import annotations

import json

from autopilot.aws.clients import call
from autopilot.domain.errors import AutopilotError, InvalidInput
from autopilot.domain.inside.passwords import REFUSED_CHARACTERS, hashed, problem
from autopilot.domain.signin import Target

PERMISSIONS = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:CreateSecret",
    "secretsmanager:GetRandomPassword",
)
_SERVICE = "secretsmanager"
_LENGTH = 48


def versions(names: list[str]) -> dict[str, str]:
    """The id of each secret's current version, by name; empty where there is no such secret. Source: DescribeSecret."""
    return {name: _version(name) for name in names}


def _version(name: str) -> str:
    try:
        stages = call(_SERVICE, "describe_secret", f"look at secret {name}", SecretId=name).get("VersionIdsToStages", {})
    except AutopilotError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return ""
    return next((version for version, names in stages.items() if "AWSCURRENT" in names), "")


def hash_of(name: str, user: str, target: Target, version: str = "") -> tuple[str, str]:
    """The salted hash of a secret's password, and the secret's version. A secret that is not there is made, with a password that nobody has seen.

    With a `version`, that one. Raises InvalidInput, in words that hold nothing of it, for a secret that is not a password of this user.
    """
    secret, version = _read(name, version) or _make(name, user, target)
    # Whatever is wrong with it, neither the text nor the error that quotes it may get out.
    try:
        content = json.loads(secret)
    except ValueError:
        content = None
    password = content.get("password") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(password, str):
        raise InvalidInput(f"secret {name}: is no JSON object with a password: {{'username': ..., 'password': ...}}")
    if content.get("username", user) != user:
        raise InvalidInput(f"secret {name}: is that of another user than {user}")
    if wrong := problem(password):
        raise InvalidInput(f"secret {name}: its password {wrong}")
    return hashed(password, target.name, user, name, version), version


def _read(name: str, version: str) -> tuple[str, str] | None:
    which = {"VersionId": version} if version else {}
    try:
        found = call(_SERVICE, "get_secret_value", f"read secret {name}", SecretId=name, **which)
    except AutopilotError as error:
        if error.code != "ResourceNotFoundException" or version:
            raise
        return None
    return found.get("SecretString", ""), found["VersionId"]


def _make(name: str, user: str, target: Target) -> tuple[str, str]:
    """Make a secret with a password that Secrets Manager draws. Source: GetRandomPassword, CreateSecret."""
    drawn = call(
        _SERVICE,
        "get_random_password",
        f"draw a password for secret {name}",
        PasswordLength=_LENGTH,
        ExcludeCharacters=REFUSED_CHARACTERS,
        RequireEachIncludedType=True,
    )["RandomPassword"]
    where = {"dbClusterIdentifier": target.name} if target.kind == "cluster" else {"workgroup": target.name}
    secret = json.dumps({"engine": "redshift", "username": user, "password": drawn, "dbname": target.database, **where})
    made = call(
        _SERVICE,
        "create_secret",
        f"create secret {name}",
        Name=name,
        Description=f"Password of the user {user} of {target.kind} {target.name}, made by Redshift Autopilot",
        SecretString=secret,
    )
    return secret, made["VersionId"]
