"""Redshift SQL on PostgreSQL: the dialect, the system views, users and roles, COPY and UNLOAD."""
