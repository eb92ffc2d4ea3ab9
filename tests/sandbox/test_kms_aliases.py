"""KMS in the sandbox: who may use a key may name it by its alias."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.stage import Stage


def test_key_that_is_named_by_an_alias_is_judged_by_its_own_arn(stage: Stage) -> None:
    kms = stage.sandbox.client("kms")
    arns = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    aliases = [f"alias/{stage.name('key')}" for _ in arns]
    for alias, arn in zip(aliases, arns, strict=True):
        kms.create_alias(AliasName=alias, TargetKeyId=arn)
    role = stage.role([{"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": arns[0]}])
    given = stage.sandbox.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    limited = stage.sandbox.client("kms", credentials=given)
    assert limited.describe_key(KeyId=aliases[0])["KeyMetadata"]["Arn"] == arns[0]
    with pytest.raises(ClientError) as refused:
        limited.describe_key(KeyId=aliases[1])
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
