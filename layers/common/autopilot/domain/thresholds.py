"""Every threshold of the cost report, in one place: what counts as odd, as idle, and as worth a recommendation. Money is in USD."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

#: Hours of an average month, as AWS's own calculators reckon.
HOURS_PER_MONTH = 730
DAYS_PER_MONTH = Fraction(HOURS_PER_MONTH, 24)
HOURS_PER_WEEK = 168

# --- which days are off the usual line
ANOMALY_MIN_DAYS = 10
ANOMALY_SIGMAS = Decimal("3.5")
ANOMALY_MIN_SHARE = Decimal("0.25")
ANOMALY_MIN_AMOUNT = Decimal(5)
ANOMALY_MOST_DAYS_SHARE = Decimal("0.2")

# --- what must be known before anything is recommended, and what is worth the work
MIN_HOURS_SEEN = 14 * 24
MIN_MONTHLY_SAVING = Decimal(10)

# --- fewer or smaller nodes
CPU_P95_AFTER_PERCENT = Decimal(70)
CPU_AVERAGE_AFTER_PERCENT = Decimal(50)
DISK_AFTER_PERCENT = Decimal(75)
#: Queries that wait in a queue lack memory or slots; a disk whose use swings holds what did not fit into memory.
MEMORY_QUEUE_SECONDS_PER_HOUR = 10.0
MEMORY_DISK_SWING_PERCENT = 10.0

# --- a schedule
SCHEDULE_MIN_WEEKS = 2
SCHEDULE_MIN_IDLE_HOURS_A_WEEK = 24
#: A pause and a resume take their time and cost some minutes: shorter gaps are not worth them.
SCHEDULE_MIN_GAP_HOURS = 4
SCHEDULE_MOST_GAPS = 7

# --- Serverless instead
SERVERLESS_MAX_BUSY_SHARE = Decimal("0.25")
#: One RPU has so much memory. Source: management guide, "Compute capacity for Amazon Redshift Serverless".
RPU_MEMORY_GB = Decimal(16)
SMALLEST_RPU = 8
RPU_STEP = 8

# --- unused warehouses, snapshots
UNUSED_DAYS = 14
SNAPSHOT_OLD_DAYS = 90
