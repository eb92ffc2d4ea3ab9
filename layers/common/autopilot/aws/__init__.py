"""The only place that calls AWS. Each module names the IAM actions it needs in `PERMISSIONS`."""
