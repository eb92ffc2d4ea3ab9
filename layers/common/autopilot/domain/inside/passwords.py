"""Passwords of database users: what Redshift takes as one, and the salted hash that goes into a statement instead of it."""

from __future__ import annotations

import hashlib

from autopilot.domain.inside.model import PASSWORD_HERE, Step
from autopilot.domain.inside.quoting import literal

#: Source: database developer guide, CREATE USER: the length, and printable ASCII but for these.
_SHORTEST, _LONGEST = 8, 64
REFUSED_CHARACTERS = "'\"\\/@ "


def problem(password: str) -> str:
    """Why Redshift would not take a password, in words that hold nothing of it; empty when it would."""
    if not _SHORTEST <= len(password) <= _LONGEST:
        return f"has not {_SHORTEST} to {_LONGEST} characters"
    if any(not "!" <= one <= "~" or one in REFUSED_CHARACTERS for one in password):
        return "holds a character that Redshift does not take: printable ASCII without quotes, backslash, slash and @"
    if not (any(map(str.isupper, password)) and any(map(str.islower, password)) and any(map(str.isdigit, password))):
        return "lacks an upper case letter, a lower case letter or a digit"
    return ""


def hashed(password: str, *salt_of: str) -> str:
    """The form `sha256|<digest>|<salt>`, from which nobody gets the password back.

    The same parts give the same salt, so that a statement that is submitted twice is the same statement. The salt is written in hexadecimal and its
    bytes follow the password in what is hashed. Source: database developer guide, CREATE USER.
    """
    salt = hashlib.sha256("\x1f".join(salt_of).encode())
    return f"sha256|{hashlib.sha256(password.encode() + salt.digest()).hexdigest()}|{salt.hexdigest()}"


def with_password(step: Step, form: str) -> str:
    """The step's statement with a password's form in its place."""
    return step.sql.replace(literal(PASSWORD_HERE), literal(form))


def user_of(step: Step) -> str:
    """The user whose password a step sets."""
    return next(token for token in step.marks if token.startswith("user:")).removeprefix("user:")
