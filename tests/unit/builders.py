"""Small builders of what the rules judge."""

from __future__ import annotations

from typing import Any

from autopilot.domain.warehouse import Warehouse

REGION, ACCOUNT = "us-east-1", "000000000000"
EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:redshift-autopilot-provision-warehouse:sample"


def cluster(status: str = "available", **more: Any) -> Warehouse:
    given = {"name": "analytics", "admin_user": "awsuser", "node_type": "ra3.large", "nodes": 2, "port": 5439, **more}
    return _warehouse("cluster", status, given)


def workgroup(status: str = "available", **more: Any) -> Warehouse:
    return _warehouse("workgroup", status, {"name": "adhoc", "base_rpu": 8, "port": 5439, "log_exports": ["userlog"], **more})


def _warehouse(kind: Any, status: str, given: dict[str, Any]) -> Warehouse:
    return Warehouse(
        kind=kind, region=REGION, account=ACCOUNT, arn="", status=status, **{"database": "dev", "enhanced_vpc_routing": True, **given}
    )
