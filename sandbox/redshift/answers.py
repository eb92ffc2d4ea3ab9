"""What the answers of the control planes share: refusals, pages, tags and sign-in names."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sandbox.kernel import ApiError
from sandbox.world import Caller

Params = dict[str, Any]
Answer = dict[str, Any]
Refuse = Callable[[str], ApiError]
T = TypeVar("T")

NOT_SUPPORTED = "NotSupportedInSandbox"

_TAG_KEY = re.compile(r"[\w\s+\-=.:/@]{1,128}")
_TAG_VALUE = re.compile(r"[\w\s+\-=.:/@]{0,256}")
_RESERVED_TAG_PREFIX = "aws:"


def not_supported(what: str) -> ApiError:
    """The refusal of what AWS can do and the sandbox cannot."""
    return ApiError(NOT_SUPPORTED, f"{what} is not supported in the sandbox.", 501)


def refuse_unsupported(params: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raise for the first of these parameters that was sent."""
    for name in names:
        if params.get(name) is not None:
            raise not_supported(f"The parameter {name}")


def page(items: Iterable[T], key: Callable[[T], str], limit: int, token: str | None, refuse: Refuse) -> tuple[list[T], str | None]:
    """One page of the items in order of their keys, and the token of the next page or None.

    The token names the last key given out, so items that come or go between two pages move no other item.
    """
    after = _decode(token, refuse) if token else ""
    rest = sorted((item for item in items if key(item) > after), key=key)
    chosen = rest[:limit]
    return chosen, _encode(key(chosen[-1])) if len(rest) > limit else None


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(f"after:{key}".encode()).decode()


def _decode(token: str, refuse: Refuse) -> str:
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    if not text.startswith("after:"):
        raise refuse("The pagination token is not one that an earlier answer gave.")
    return text.removeprefix("after:")


def check_tags(pairs: Sequence[tuple[str, str]], refuse: Refuse) -> dict[str, str]:
    """The tags as a mapping; raises `refuse(message)` for characters, lengths or prefixes that AWS does not allow."""
    tags: dict[str, str] = {}
    for key, value in pairs:
        if key.lower().startswith(_RESERVED_TAG_PREFIX):
            raise refuse(f"The tag key '{key}' starts with the reserved prefix 'aws:'.")
        if not _TAG_KEY.fullmatch(key):
            raise refuse(f"The tag key '{key}' must have 1 to 128 letters, digits, spaces or + - = . _ : / @.")
        if not _TAG_VALUE.fullmatch(value):
            raise refuse(f"The value of tag '{key}' must have at most 256 letters, digits, spaces or + - = . _ : / @.")
        if key in tags:
            raise refuse(f"The tag key '{key}' was given twice.")
        tags[key] = value
    return tags


def has_tag(tags: Mapping[str, str], keys: Sequence[str], values: Sequence[str]) -> bool:
    """Whether one of the tags has one of the keys and one of the values; an empty list allows any."""
    if not keys and not values:
        return True
    return any((not keys or key in keys) and (not values or value in values) for key, value in tags.items())


def iam_database_user(caller: Caller) -> str:
    """The database user that an IAM identity signs in as: `IAM:<user>`, `IAMR:<role>`, or `IAM:root`."""
    kind, _, name = caller.principal_arn.rsplit(":", 1)[-1].partition("/")
    match kind:
        case "assumed-role":
            return f"IAMR:{name.split('/')[0]}"
        case "role":
            return f"IAMR:{name.rsplit('/', 1)[-1]}"
        case _:
            return f"IAM:{name.rsplit('/', 1)[-1] or 'root'}"


def new_password() -> str:
    """A password that satisfies Redshift's rules for an admin user."""
    return f"Aa1{secrets.token_urlsafe(27)}"
