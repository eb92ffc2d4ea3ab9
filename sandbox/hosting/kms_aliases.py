"""KMS: a key that is named by an alias is judged by its own ARN, as AWS does.

What ministack does otherwise: it asks IAM about the alias, for which AWS has no permissions to use a key.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions
from ministack.services import kms


def apply() -> None:
    """Put it in place, once per process."""
    known = iam_actions.extract_resource_arn

    def extract(service: str, *request: Any) -> str:
        arn = str(known(service, *request))
        key_id = kms._aliases.get(arn) if service == "kms" else None
        return f"{arn.partition(':alias/')[0]}:key/{key_id}" if key_id else arn

    iam_actions.extract_resource_arn = extract
