"""Cluster parameter groups: what each family knows, which values it takes, and what waits for a reboot."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.redshift.clusters_records import arn, wire_tags
from sandbox.redshift.clusters_rules import invalid

_INTEGER_RANGE = re.compile(r"(-?\d+)-(\d+)")
_LONGEST_VALUE = 8000


@dataclass(frozen=True)
class Parameter:
    """One parameter of a family. `allowed` is a list of words, a range of integers, or empty for any text."""

    name: str
    default: str
    kind: str
    allowed: str
    description: str
    dynamic: bool = False

    def check(self, value: str) -> None:
        """Raise ApiError when the parameter does not take this value."""
        if not self._takes(value):
            raise invalid(f"The value '{value}' is not allowed for the parameter {self.name}: {self.allowed or self.kind}.")

    def _takes(self, value: str) -> bool:
        if self.name == "wlm_json_configuration":
            return _is_json_list(value)
        if bounds := _INTEGER_RANGE.fullmatch(self.allowed):
            return re.fullmatch(r"-?\d+", value) is not None and int(bounds[1]) <= int(value) <= int(bounds[2])
        if self.allowed:
            return value in self.allowed.split(",")
        return len(value) <= _LONGEST_VALUE

    def describe(self, value: str | None) -> dict[str, Any]:
        return {
            "ParameterName": self.name,
            "ParameterValue": self.default if value is None else value,
            "Description": self.description,
            "Source": "engine-default" if value is None else "user",
            "DataType": self.kind,
            "AllowedValues": self.allowed or None,
            "ApplyType": "dynamic" if self.dynamic else "static",
            "IsModifiable": True,
        }


def _is_json_list(value: str) -> bool:
    try:
        return isinstance(json.loads(value), list)
    except ValueError:
        return False


def _family(require_ssl: str) -> dict[str, Parameter]:
    parameters = (
        Parameter("auto_analyze", "true", "boolean", "true,false", "Use auto analyze"),
        Parameter("auto_mv", "true", "boolean", "true,false", "Use automated materialized views"),
        Parameter("datestyle", "ISO, MDY", "string", "", "Sets the display format for date and time values"),
        Parameter(
            "enable_case_sensitive_identifier", "false", "boolean", "true,false", "Preserve case sensitivity for database identifiers"
        ),
        Parameter("enable_user_activity_logging", "false", "boolean", "true,false", "Logs each query before it is run"),
        Parameter("extra_float_digits", "0", "integer", "-15-2", "Sets the number of digits displayed for floating-point values"),
        Parameter("max_concurrency_scaling_clusters", "1", "integer", "0-10", "The maximum number of concurrency scaling clusters"),
        Parameter("max_cursor_result_set_size", "default", "integer", "0-14400000", "Sets the maximum cursor result set size"),
        Parameter("query_group", "default", "string", "", "Applies a user-defined label to a group of queries"),
        Parameter("require_ssl", require_ssl, "boolean", "true,false", "Require ssl for all database connections"),
        Parameter("search_path", "$user, public", "string", "", "Sets the schema search order for names without a schema"),
        Parameter("statement_timeout", "0", "integer", "0-2147483647", "Aborts any statement that takes over this many milliseconds"),
        Parameter("use_fips_ssl", "false", "boolean", "true,false", "Use FIPS-compliant SSL"),
        Parameter("wlm_json_configuration", '[{"auto_wlm":true}]', "string", "", "Workload management queues", dynamic=True),
    )
    return {parameter.name: parameter for parameter in parameters}


FAMILIES: Final = {"redshift-1.0": _family("false"), "redshift-2.0": _family("true")}


@dataclass
class ParameterGroup:
    """A group and the values that differ from its family's defaults. A default group cannot be changed."""

    name: str
    family: str
    description: str
    tags: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return arn("parametergroup", self.name)

    @property
    def is_default(self) -> bool:
        return self.name.startswith("default.")

    @property
    def parameters(self) -> dict[str, Parameter]:
        return FAMILIES[self.family]

    def parameter(self, name: str) -> Parameter:
        if name not in self.parameters:
            raise invalid(f"Could not find parameter with name: {name}")
        return self.parameters[name]

    def describe(self) -> dict[str, Any]:
        return {
            "ParameterGroupName": self.name,
            "ParameterGroupFamily": self.family,
            "Description": self.description,
            "Tags": wire_tags(self.tags),
        }


def default_groups() -> dict[str, ParameterGroup]:
    """The groups that every account has."""
    return {
        f"default.{family}": ParameterGroup(f"default.{family}", family, f"Default parameter group for {family}") for family in FAMILIES
    }
