"""Subnet groups and parameter groups."""

from __future__ import annotations

import re
from typing import Any, Final

from sandbox.kernel import ApiError
from sandbox.redshift.answers import Answer, Params
from sandbox.redshift.clusters_changes import Changes
from sandbox.redshift.clusters_parameters import FAMILIES, Parameter, ParameterGroup
from sandbox.redshift.clusters_records import SubnetGroup
from sandbox.redshift.clusters_rules import check_identifier, combination, invalid, tags_of
from sandbox.redshift.clusters_state import described, tagged_as
from sandbox.world import Caller

_SUBNET = re.compile(r"subnet-[0-9a-z]+")
_MOST_SUBNETS = 20
_RESET_WORDS: Final = ("user", "engine-default")


class Groups(Changes):
    """The groups that clusters refer to by name. A group in use can't be deleted."""

    def create_cluster_subnet_group(self, params: Params, _caller: Caller) -> Answer:
        # AWS stores the names of subnet groups and parameter groups in lower case.
        name, tags = params["ClusterSubnetGroupName"].lower(), tags_of(params)
        _check_subnet_group_name(name)
        _check_subnets(params["SubnetIds"])
        with self._present():
            if name in self._subnet_groups:
                raise ApiError("ClusterSubnetGroupAlreadyExists", f"Cluster subnet group already exists: {name}")
            group = self._subnet_groups[name] = SubnetGroup(name, params["Description"], list(params["SubnetIds"]), tags)
            return {"ClusterSubnetGroup": group.describe()}

    def describe_cluster_subnet_groups(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            name = params.get("ClusterSubnetGroupName")
            chosen = self._subnet_groups.values() if name is None else [self._subnet_group(name)]
            tagged = [group for group in chosen if tagged_as(params, group.tags)]
            return described("ClusterSubnetGroups", tagged, params, lambda group: group.name, SubnetGroup.describe)

    def modify_cluster_subnet_group(self, params: Params, _caller: Caller) -> Answer:
        _check_subnets(params["SubnetIds"])
        with self._present():
            group = self._subnet_group(params["ClusterSubnetGroupName"])
            group.subnets = list(params["SubnetIds"])
            group.description = params.get("Description", group.description)
            return {"ClusterSubnetGroup": group.describe()}

    def delete_cluster_subnet_group(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            group = self._subnet_group(params["ClusterSubnetGroupName"])
            if any(cluster.subnet_group == group.name for cluster in self._clusters.values()):
                raise ApiError("InvalidClusterSubnetGroupStateFault", f"Cluster subnet group {group.name} is used by a cluster.")
            del self._subnet_groups[group.name]
        return {}

    def create_cluster_parameter_group(self, params: Params, _caller: Caller) -> Answer:
        name, family, tags = params["ParameterGroupName"].lower(), params["ParameterGroupFamily"], tags_of(params)
        check_identifier("ParameterGroupName", name, 255)
        _check_family(family)
        with self._present():
            if name in self._parameter_groups:
                raise ApiError("ClusterParameterGroupAlreadyExists", f"Parameter group {name} already exists.")
            group = self._parameter_groups[name] = ParameterGroup(name, family, params["Description"], tags)
            answer = {"ClusterParameterGroup": group.describe()}
        self._emit("parameter group created", name)
        return answer

    def describe_cluster_parameter_groups(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            name = params.get("ParameterGroupName")
            chosen = self._parameter_groups.values() if name is None else [self._parameter_group(name)]
            tagged = [group for group in chosen if tagged_as(params, group.tags)]
            return described("ParameterGroups", tagged, params, lambda group: group.name, ParameterGroup.describe)

    def delete_cluster_parameter_group(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            group = self._parameter_group(params["ParameterGroupName"])
            self._check_own(group)
            if any(cluster.parameter_group == group.name for cluster in self._clusters.values()):
                raise ApiError("InvalidClusterParameterGroupState", f"Parameter group {group.name} is used by a cluster.")
            del self._parameter_groups[group.name]
        self._emit("parameter group deleted", group.name)
        return {}

    def describe_cluster_parameters(self, params: Params, _caller: Caller) -> Answer:
        source = params.get("Source")
        if source not in (None, *_RESET_WORDS):
            raise invalid("Source must be user or engine-default.")
        with self._present():
            group = self._parameter_group(params["ParameterGroupName"])
            listed = [parameter.describe(group.values.get(parameter.name)) for parameter in group.parameters.values()]
        chosen = [one for one in listed if source in (None, one["Source"])]
        return described("Parameters", chosen, params, lambda one: one["ParameterName"], dict)

    def describe_default_cluster_parameters(self, params: Params, _caller: Caller) -> Answer:
        family = params["ParameterGroupFamily"]
        _check_family(family)
        answer = described("Parameters", FAMILIES[family].values(), params, lambda one: one.name, lambda one: one.describe(None))
        return {"DefaultClusterParameters": {"ParameterGroupFamily": family, **answer}}

    def modify_cluster_parameter_group(self, params: Params, _caller: Caller) -> Answer:
        with self._present():
            group = self._parameter_group(params["ParameterGroupName"])
            self._check_own(group)
            changes = [_change(group, wanted) for wanted in params["Parameters"]]
            group.values.update({parameter.name: value for parameter, value in changes})
            self._mark_clusters(group, [parameter for parameter, _ in changes])
        self._emit("parameter group updated", group.name)
        return {"ParameterGroupName": group.name, "ParameterGroupStatus": _CHANGED}

    def reset_cluster_parameter_group(self, params: Params, _caller: Caller) -> Answer:
        wanted = [one["ParameterName"] for one in params.get("Parameters", []) if "ParameterName" in one]
        if params.get("ResetAllParameters", False) == bool(wanted):
            raise combination("Name the parameters to reset, or set ResetAllParameters to true, and not both.")
        with self._present():
            group = self._parameter_group(params["ParameterGroupName"])
            self._check_own(group)
            reset = [group.parameter(name) for name in wanted or list(group.values)]
            for parameter in reset:
                group.values.pop(parameter.name, None)
            self._mark_clusters(group, reset)
        self._emit("parameter group updated", group.name)
        return {"ParameterGroupName": group.name, "ParameterGroupStatus": _CHANGED}

    def _subnet_group(self, name: str) -> SubnetGroup:
        if name.lower() not in self._subnet_groups:
            raise ApiError("ClusterSubnetGroupNotFoundFault", f"The cluster subnet group '{name}' doesn't exist.")
        return self._subnet_groups[name.lower()]

    def _parameter_group(self, name: str) -> ParameterGroup:
        self._check_parameter_group(name.lower())
        return self._parameter_groups[name.lower()]

    @staticmethod
    def _check_own(group: ParameterGroup) -> None:
        if group.is_default:
            raise ApiError("InvalidClusterParameterGroupState", f"The default parameter group {group.name} can't be changed.")

    def _mark_clusters(self, group: ParameterGroup, changed: list[Parameter]) -> None:
        static = {parameter.name for parameter in changed if not parameter.dynamic}
        for cluster in self._clusters.values():
            if cluster.parameter_group == group.name and static:
                cluster.reboot_pending = True
                cluster.parameters_to_reboot |= static


_CHANGED: Final = (
    "Your parameter group has been updated. If you changed only dynamic parameters, associated clusters are being modified now."
)


def _change(group: ParameterGroup, wanted: dict[str, Any]) -> tuple[Parameter, str]:
    parameter = group.parameter(wanted.get("ParameterName", ""))
    if "ParameterValue" not in wanted:
        raise combination(f"ParameterValue is required for {parameter.name}.")
    parameter.check(wanted["ParameterValue"])
    return parameter, wanted["ParameterValue"]


def _check_family(family: str) -> None:
    if family not in FAMILIES:
        raise invalid(f"Parameter group family not found: {family}. The families are {', '.join(FAMILIES)}.")


def _check_subnet_group_name(name: str) -> None:
    if not re.fullmatch(r"[a-z0-9._ -]{1,255}", name) or name == "default":
        raise invalid(f"The parameter ClusterSubnetGroupName is not valid: '{name}'.")


def _check_subnets(subnets: list[str]) -> None:
    if not subnets:
        raise invalid("A cluster subnet group needs at least one subnet.")
    if len(subnets) > _MOST_SUBNETS:
        raise ApiError("ClusterSubnetQuotaExceededFault", f"A cluster subnet group can have at most {_MOST_SUBNETS} subnets.")
    for subnet in subnets:
        if not _SUBNET.fullmatch(subnet):
            raise ApiError("InvalidSubnet", f"The subnet ID '{subnet}' is not valid.")
