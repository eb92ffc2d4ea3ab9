"""Resource Groups Tagging API: Redshift's resources are found by their tags, page by page.

What ministack does otherwise: it knows no Redshift, answers everything in one page, and takes any filter. Its other resource types stay.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import tagging

from sandbox.world import Caller, World

Json = dict[str, Any]

#: Source: GetResources: ResourcesPerPage 1 to 100, by default 50; up to 50 tag keys, each with up to 20 values.
_DEFAULT_PAGE, _LARGEST_PAGE = 50, 100
_MOST_FILTERS, _MOST_VALUES = 50, 20
_AFTER = "after:"


def apply(world: World) -> None:
    """Put it in place, once per process."""
    tagging._COLLECTORS["redshift"] = lambda: _clusters(world)
    tagging._COLLECTORS["redshift-serverless"] = lambda: _serverless(world)
    collect = tagging._get_resources

    def get_resources(request: Json) -> Any:
        size = request.get("ResourcesPerPage", _DEFAULT_PAGE)
        if not 1 <= size <= _LARGEST_PAGE:
            return _invalid(f"ResourcesPerPage must be between 1 and {_LARGEST_PAGE}, not {size}")
        filters = request.get("TagFilters") or []
        if len(filters) > _MOST_FILTERS or any(len(one.get("Values") or []) > _MOST_VALUES for one in filters):
            return _invalid(f"TagFilters takes up to {_MOST_FILTERS} keys with up to {_MOST_VALUES} values each")
        token = request.get("PaginationToken") or ""
        if token and not token.startswith(_AFTER):
            return error_response_json("PaginationTokenExpiredException", "The pagination token is invalid or has expired", 400)
        status, headers, body = collect({name: value for name, value in request.items() if name != "PaginationToken"})
        if status != 200:
            return status, headers, body
        found = sorted(json.loads(body)["ResourceTagMappingList"], key=lambda one: str(one["ResourceARN"]))
        rest = [one for one in found if one["ResourceARN"] > token.removeprefix(_AFTER)] if token else found
        page = rest[:size]
        following = f"{_AFTER}{page[-1]['ResourceARN']}" if len(rest) > size else ""
        return tagging._json({"ResourceTagMappingList": page, "PaginationToken": following})

    tagging._HANDLERS["GetResources"] = get_resources
    _answer_on_worker_threads()


def _answer_on_worker_threads() -> None:
    """A look at Redshift's resources may have to wait for this same server, which its event loop could not answer meanwhile."""
    handle = tagging.handle_request

    async def handle_request(*request: Any) -> Any:
        return await asyncio.to_thread(lambda: asyncio.run(handle(*request)))

    tagging.handle_request = handle_request


def _invalid(message: str) -> Any:
    return error_response_json("InvalidParameterException", message, 400)


def _clusters(world: World) -> Iterator[tuple[str, list[Json]]]:
    """Every cluster with its tags; one without any is not listed, as on AWS."""
    for cluster in _pages(world.clusters.describe_clusters, "Clusters", "Marker"):
        if cluster["Tags"]:
            account = cluster["ClusterNamespaceArn"].split(":")[4]
            region = cluster["ClusterNamespaceArn"].split(":")[3]
            yield f"arn:aws:redshift:{region}:{account}:cluster:{cluster['ClusterIdentifier']}", cluster["Tags"]


def _serverless(world: World) -> Iterator[tuple[str, list[Json]]]:
    for kind, listed in (("workgroup", "list_workgroups"), ("namespace", "list_namespaces")):
        for resource in _pages(getattr(world.serverless, listed), f"{kind}s", "nextToken"):
            arn = resource[f"{kind}Arn"]
            tags = world.serverless.list_tags_for_resource({"resourceArn": arn}, Caller())["tags"]
            if tags:
                yield arn, [{"Key": tag["key"], "Value": tag.get("value", "")} for tag in tags]


def _pages(operation: Any, member: str, token: str) -> Iterator[Json]:
    request: Json = {}
    while True:
        answer = operation(request, Caller())
        yield from answer[member]
        if not answer.get(token):
            return
        request = {token: answer[token]}
