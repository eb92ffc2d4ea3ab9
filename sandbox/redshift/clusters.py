"""Provisioned clusters: the backend of the service `redshift`.

States move by life-cycle time (`lifecycle`), data lies in the databases, events go out as SNS notifications. What is kept
here lives as long as the process.
"""

from __future__ import annotations

from sandbox.redshift.clusters_integrations import Integrations


class Clusters(Integrations):
    """All operations of `redshift` that the sandbox supports, each as a method in snake case.

    Each layer is a module: `clusters_state` (records, lock, events) < `clusters_creation` < `clusters_snapshots` <
    `clusters_life` < `clusters_changes` < `clusters_groups` < `clusters_notices` < `clusters_access` <
    `clusters_reserved` < `clusters_datashares` < `clusters_integrations`.

    For tests there are also `adopt` (a cluster that is simply there), `age_snapshots`, `remove_snapshots` and
    `put_recommendation`.
    """
