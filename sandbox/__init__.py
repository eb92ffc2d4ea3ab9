"""The local AWS: ministack plus a Redshift of ours on a real PostgreSQL. Never deployed, never imported by the product."""
