"""How long CloudWatch keeps metrics: hours for 455 days. ministack forgets every data point after two weeks.

Source: CloudWatch user guide, "Metrics retention".
"""

from __future__ import annotations

from ministack.services import cloudwatch

KEPT_DAYS = 455


def apply() -> None:
    """Put it in place, once per process."""
    cloudwatch.TWO_WEEKS_SECONDS = KEPT_DAYS * 24 * 3600
