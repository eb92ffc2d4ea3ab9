"""Passwords as PostgreSQL keeps them: its own SCRAM verifiers, and Redshift's salted SHA-256 hashes in the same form.

PostgreSQL takes what looks like one of its verifiers as it is, so a hash is kept as one whose last key says what it is; it goes where a role goes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re

from sandbox.sql.errors import SqlError

_METHOD = "SCRAM-SHA-256"
_MARK = hashlib.sha256(b"a salted SHA-256 hash of Redshift's").digest()
_HASH = re.compile(r"sha256\|([0-9a-fA-F]{64})\|((?:[0-9a-fA-F]{2})+)")


def as_verifier(text: str) -> str:
    """What to keep for `sha256|<digest>|<salt>`, both in hexadecimal. Source: Redshift developer guide, CREATE USER."""
    found = _HASH.fullmatch(text)
    if found is None:
        raise SqlError("invalid password hash: it is sha256|<digest of 64 hexadecimal digits>|<salt in hexadecimal>", "22023")
    digest, salt = (base64.b64encode(binascii.unhexlify(part)).decode() for part in found.groups())
    return f"{_METHOD}$4096:{salt}${digest}:{base64.b64encode(_MARK).decode()}"


def matches(stored: str, password: str) -> bool:
    """Compare a password with what PostgreSQL keeps of one: `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`."""
    method, _, rest = stored.partition("$")
    if method != _METHOD:
        return False
    parameters, _, keys = rest.partition("$")
    iterations, _, encoded = parameters.partition(":")
    salt = base64.b64decode(encoded)
    stored_key, server_key = (base64.b64decode(key) for key in keys.split(":"))
    if server_key == _MARK:
        return hmac.compare_digest(hashlib.sha256(password.encode() + salt).digest(), stored_key)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, int(iterations))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return hmac.compare_digest(hashlib.sha256(client_key).digest(), stored_key)
