"""What the answers of the Data API share: refusals and pages."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from sandbox.kernel import ApiError
from sandbox.redshift.answers import Params


def invalid(message: str) -> ApiError:
    """The refusal of a request that is wrong or not allowed."""
    return ApiError("ValidationException", message)


def page(name: str, found: list[Any], params: Params) -> Params:
    """One page of what was found, under that name, and the token of the next."""
    start, size = entries_before(params.get("NextToken")), params.get("MaxResults") or (100 if name in ("Statements", "Sessions") else 1000)
    answer: Params = {name: found[start : start + size]}
    return answer | ({"NextToken": token_after(start + size)} if start + size < len(found) else {})


def token_after(count: int) -> str:
    """The NextToken of what follows that many entries."""
    return base64.urlsafe_b64encode(f"from:{count}".encode()).decode()


def entries_before(token: str | None) -> int:
    """How many entries come before the page that a NextToken names."""
    if not token:
        return 0
    try:
        match = re.fullmatch(r"from:(\d+)", base64.urlsafe_b64decode(token).decode())
    except (binascii.Error, UnicodeDecodeError):
        match = None
    if not match:
        raise invalid("The NextToken is not valid.")
    return int(match[1])
