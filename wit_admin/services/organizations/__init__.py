"""Organizations and their teams: members, roles, permissions on repositories."""
