"""Reserved nodes: those that the test desk has set. None is for sale."""

from __future__ import annotations

from sandbox.kernel import ApiError
from sandbox.redshift.answers import Answer, Params
from sandbox.redshift.clusters_access import Access
from sandbox.world import Caller


class Reserved(Access):
    """What an account has paid for in advance."""

    def describe_reserved_nodes(self, params: Params, _caller: Caller) -> Answer:
        every: list[Answer] = self.world.costs.reserved_nodes if self.world.costs else []
        if wanted := params.get("ReservedNodeId"):
            every = [one for one in every if one["ReservedNodeId"] == wanted]
            if not every:
                raise ApiError("ReservedNodeNotFound", f"Reserved node {wanted} not found.")
        size, start = params.get("MaxRecords", 100), int(params.get("Marker") or 0)
        return {"ReservedNodes": every[start : start + size], **({"Marker": str(start + size)} if start + size < len(every) else {})}
