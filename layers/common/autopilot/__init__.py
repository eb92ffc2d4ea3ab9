"""Redshift Autopilot: what its Lambda handlers share. `domain` decides, `aws` looks and acts, `runtime` wraps handlers."""
