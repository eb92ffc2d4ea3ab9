"""Who a caller of the Data API is in the database, and how it signs in: by secret, as a named user, or by its IAM identity."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.kernel import ApiError
from sandbox.redshift.answers import Params, iam_database_user
from sandbox.redshift.data_answers import invalid
from sandbox.sql.databases import Databases
from sandbox.sql.errors import SqlError
from sandbox.sql.session import Session
from sandbox.world import Caller, Target, World

_USABLE_STATES = ("available", "modifying", "resizing", "renaming", "rotating-keys", "updating-hsm", "cancelling-resize")


@dataclass(frozen=True)
class SignIn:
    """Where and as whom a statement runs. The password is checked when the statement runs, as the database would."""

    target: Target
    database: str
    user: str
    password: str | None = None
    db_user: str | None = None
    secret_arn: str | None = None

    def where(self) -> Params:
        """What the answers say of it."""
        where = {
            "ClusterIdentifier" if self.target.kind == "cluster" else "WorkgroupName": self.target.name,
            "Database": self.database,
        }
        if self.secret_arn:
            where["SecretArn"] = self.secret_arn
        if self.db_user or self.secret_arn is None:
            where["DbUser"] = self.user
        return where


class SignIns:
    """Checks what a request may sign in to and as whom, and signs in."""

    def __init__(self, world: World, databases: Databases) -> None:
        self._world, self._databases = world, databases

    def asked_for(self, params: Params, caller: Caller) -> SignIn:
        """The sign-in that a request asks for; raises ApiError when it is incomplete or not allowed."""
        target = self._target(params)
        database, db_user, secret_arn = params.get("Database"), params.get("DbUser"), params.get("SecretArn")
        if not database:
            raise invalid("Database is required when authenticating with Secrets Manager, temporary credentials or an IAM identity.")
        if secret_arn:
            return self._with_secret(target, database, secret_arn, db_user, caller)
        if target.kind == "workgroup":
            if db_user:
                raise invalid("DbUser cannot be given for a workgroup: use SecretArn or the caller's IAM identity.")
            self._require(caller, "redshift-serverless:GetCredentials", target.arn)
            return SignIn(target, database, iam_database_user(caller))
        scope = f"arn:aws:redshift:{caller.region}:{caller.account}:"
        if db_user:
            self._require(caller, "redshift:GetClusterCredentials", f"{scope}dbuser:{target.name}/{db_user}")
            return SignIn(target, database, db_user, db_user=db_user)
        self._require(caller, "redshift:GetClusterCredentialsWithIAM", f"{scope}dbname:{target.name}/{database}")
        return SignIn(target, database, iam_database_user(caller))

    def _with_secret(self, target: Target, database: str, secret_arn: str, db_user: str | None, caller: Caller) -> SignIn:
        self._require(caller, "secretsmanager:GetSecretValue", secret_arn)
        try:
            secret = self._world.ports.get_secret(secret_arn)
        except (ApiError, KeyError) as error:
            raise invalid(f"The secret {secret_arn} could not be read from Secrets Manager.") from error
        user, password = secret.get("username"), secret.get("password")
        if not user or not password:
            raise invalid("username and password in secret cannot be empty")
        if db_user and db_user != user:
            raise invalid("The DbUser does not match the username of the secret.")
        return SignIn(target, database, str(user), str(password), db_user, secret_arn)

    def _target(self, params: Params) -> Target:
        cluster, workgroup = params.get("ClusterIdentifier"), params.get("WorkgroupName")
        if bool(cluster) == bool(workgroup):
            raise invalid("Exactly one of ClusterIdentifier and WorkgroupName must be given.")
        if workgroup and workgroup.startswith("arn:"):
            workgroup = workgroup.partition(":workgroup/")[2].rpartition("/")[2]
        target = self._world.target(cluster=cluster) if cluster else self._world.target(workgroup=workgroup)
        if target is None:
            raise invalid("Redshift endpoint doesn't exist in this region.")
        return target

    def _require(self, caller: Caller, action: str, resource: str) -> None:
        if not self._world.ports.may(caller, action, resource):
            raise invalid(f"User: {caller.principal_arn} is not authorized to perform: {action} on resource: {resource}")

    def check_state(self, target: Target) -> None:
        """A warehouse that is paused, being made or deleted refuses the call."""
        current = self._world.target(cluster=target.name) if target.kind == "cluster" else self._world.target(workgroup=target.name)
        state = current.state.lower() if current else "deleted"
        if state.split(",")[0].strip() not in _USABLE_STATES:
            raise invalid(f"The {target.kind} {target.name} is not available for statements: its status is {state}.")

    def open(self, sign_in: SignIn) -> Session:
        """Sign in to the database; raises SqlError as it refuses."""
        key, databases = sign_in.target.key, self._databases
        if sign_in.password is not None and not databases.check_password(key, sign_in.user, sign_in.password):
            raise SqlError(f'FATAL: password authentication failed for user "{sign_in.user}"', "28P01")
        return databases.session(key, sign_in.database, sign_in.user, self._world.ports)


def role_of(caller: Caller) -> str:
    """The user or role behind a caller; sessions of one role are one."""
    arn = caller.principal_arn
    return arn.rpartition("/")[0] if ":assumed-role/" in arn else arn
