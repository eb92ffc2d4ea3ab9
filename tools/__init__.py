"""What the gates need besides pytest, ruff and mypy."""
