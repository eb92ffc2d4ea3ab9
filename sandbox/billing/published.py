"""On-demand prices of Amazon Redshift as AWS published them for us-east-1, the sandbox's one region.

Source: https://aws.amazon.com/redshift/pricing/ and the Price List's AmazonRedshift offer, as public code and price tables quoted them in 2026
(node types, RPUs, managed storage, Spectrum and concurrency scaling agree in several of them); noted on 2026-11-25. Snapshots are billed as
S3's first tier is.
"""

from __future__ import annotations

from typing import Final, NamedTuple

PUBLISHED_ON: Final = "2026-11-25T00:00:00Z"


class Price(NamedTuple):
    """One product: its usage type, family, unit and price in USD; `node_type` for nodes only."""

    usage_type: str
    family: str
    unit: str
    usd: str
    node_type: str = ""


PRICES: Final = (
    *(
        Price(f"Node:{node_type}", "Compute Instance", "Hrs", usd, node_type)
        for node_type, usd in (
            ("ra3.large", "0.5430000000"),
            ("ra3.xlplus", "1.0860000000"),
            ("ra3.4xlarge", "3.2600000000"),
            ("ra3.16xlarge", "13.0400000000"),
            ("dc2.large", "0.2500000000"),
            ("dc2.8xlarge", "4.8000000000"),
        )
    ),
    *(Price(f"RMS:{name}", "Redshift Managed Storage", "GB-Mo", "0.0240000000") for name in ("ra3.large", "ra3.xlplus", "ra3.4xlarge")),
    Price("USE1-RMS:Serverless", "Redshift Managed Storage", "GB-Mo", "0.0240000000"),
    Price("USE1-Redshift:ServerlessUsage", "Serverless", "RPU-Hr", "0.3750000000"),
    Price("CS:ra3.4xlarge", "Redshift Concurrency Scaling", "seconds", "0.0009000000"),
    Price("CSFreeUsage:ra3.4xlarge", "Redshift Concurrency Scaling", "seconds", "0.0000000000"),
    Price("USE1-DataScanned", "Redshift Data Scan", "Terabytes", "5.0000000000"),
    Price("Redshift:PaidSnapshots", "Storage Snapshot", "GB-Mo", "0.0230000000"),
)
