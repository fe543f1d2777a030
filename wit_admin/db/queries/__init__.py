"""Database queries: functions on a session, which never commit."""
