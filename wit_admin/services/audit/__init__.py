"""The audit trail: ``trail`` writes it, ``chain`` links its events, ``check`` verifies them."""
