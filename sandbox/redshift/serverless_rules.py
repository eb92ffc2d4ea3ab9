"""What Redshift Serverless demands of parameters. Pure: raises ApiError with ValidationException."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sandbox.kernel import ApiError
from sandbox.redshift.answers import Params, check_tags

CONFIG_DEFAULTS: Final = {
    "auto_mv": "true",
    "datestyle": "ISO, MDY",
    "enable_case_sensitive_identifier": "false",
    "enable_user_activity_logging": "true",
    "query_group": "default",
    "require_ssl": "true",
    "search_path": "$user, public",
    "use_fips_ssl": "false",
    "max_query_execution_time": "14400",
}
"""The parameters that every workgroup has."""

_QUERY_LIMITS: Final = frozenset(
    {
        "max_query_cpu_time",
        "max_query_blocks_read",
        "max_scan_row_count",
        "max_query_queue_time",
        "max_query_cpu_usage_percent",
        "max_query_temp_blocks_to_disk",
        "max_join_row_count",
        "max_nested_loop_join_row_count",
    }
)
_USER_NAME = re.compile(r"[a-z][a-z0-9_+.@-]{0,127}")
_DATABASE_NAME = re.compile(r"[a-z_][a-z0-9_$]{0,63}")
_PASSWORD = re.compile(r"(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[!-~]{8,64}")
_PASSWORD_FORBIDDEN = re.compile(r"['\"\\/@]")
_PORTS: Final = (range(5431, 5456), range(8191, 8216))
_PERFORMANCE_LEVELS: Final = (1, 25, 50, 75, 100)
_MOST_TAGS = 200
_MOST_CAPACITY = 5632


def invalid(message: str) -> ApiError:
    """The refusal of a request for its parameters."""
    return ApiError("ValidationException", message)


def tags_of(params: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a request, checked."""
    return check_tags([(tag["key"], tag["value"]) for tag in params.get("tags", [])], invalid)


def check_tag_count(tags: Mapping[str, str]) -> None:
    """At most 200 tags on a resource."""
    if len(tags) > _MOST_TAGS:
        raise ApiError("TooManyTagsException", f"A resource can have at most {_MOST_TAGS} tags.")


def check_admin(params: Params) -> None:
    """A password, or one managed by Redshift; the user's name where it is given."""
    managed, password = params.get("manageAdminPassword", False), params.get("adminUserPassword")
    if managed and password is not None:
        raise invalid("adminUserPassword can't be used when manageAdminPassword is true.")
    if params.get("adminPasswordSecretKmsKeyId") and not managed:
        raise invalid("adminPasswordSecretKmsKeyId requires manageAdminPassword.")
    if password is not None and "adminUsername" not in params:
        raise invalid("adminUsername is required with adminUserPassword.")
    if not _USER_NAME.fullmatch(params.get("adminUsername", "admin")):
        raise invalid("adminUsername must begin with a letter and have at most 128 lowercase letters, digits and _ + . @ -.")
    if password is not None and (not _PASSWORD.fullmatch(password) or _PASSWORD_FORBIDDEN.search(password)):
        raise invalid(
            "adminUserPassword must have 8 to 64 printable ASCII characters with an uppercase letter, a lowercase letter and a digit, "
            "and none of ' \" \\ / @."
        )


def check_database(name: str) -> None:
    """The name of the first database."""
    if not _DATABASE_NAME.fullmatch(name):
        raise invalid(f"dbName '{name}' must have 1 to 64 lowercase letters, digits and underscores.")


def check_capacity(base: int | None, most: int | None) -> None:
    """Base capacity 4, or 8 to 1024 by 8; the maximum by 8 and not below the base. All in RPU; None is not set."""
    if base is not None and base != 4 and (base % 8 or not 8 <= base <= 1024):
        raise invalid(f"baseCapacity {base} is not valid: it must be 4, or a multiple of 8 from 8 to 1024.")
    if most is None or most == -1:
        return
    if most != 4 and (most % 8 or not 8 <= most <= _MOST_CAPACITY):
        raise invalid(f"maxCapacity {most} is not valid: it must be 4, or a multiple of 8 from 8 to {_MOST_CAPACITY}.")
    if base is not None and most < base:
        raise invalid(f"maxCapacity {most} must not be lower than baseCapacity {base}.")


def check_workgroup(params: Params) -> None:
    """Port, parameters and price-performance target."""
    port = params.get("port")
    if port is not None and not any(port in ports for ports in _PORTS):
        raise invalid(f"port {port} is not valid: it must be within 5431-5455 or 8191-8215.")
    for parameter in params.get("configParameters", []):
        if parameter.get("parameterKey") not in CONFIG_DEFAULTS.keys() | _QUERY_LIMITS:
            raise invalid(f"Unknown config parameter: {parameter.get('parameterKey')}.")
    target = params.get("pricePerformanceTarget", {})
    if target.get("level", 50) not in _PERFORMANCE_LEVELS:
        raise invalid(f"The level of pricePerformanceTarget must be one of {', '.join(map(str, _PERFORMANCE_LEVELS))}.")
    if target.get("status") == "ENABLED" and "baseCapacity" in params:
        raise invalid("baseCapacity can't be set while the price-performance target is enabled.")


def check_credentials_duration(params: Params) -> int:
    """Seconds that temporary credentials are valid."""
    seconds: int = params.get("durationSeconds", 900)
    if not 900 <= seconds <= 3600:
        raise invalid("durationSeconds must be between 900 and 3600.")
    return seconds
