"""Questions to the database: functions on a session, which never commit."""
