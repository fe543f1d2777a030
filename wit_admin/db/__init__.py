"""Rows: tables, queries, engines and migrations, on SQLite and PostgreSQL alike."""
