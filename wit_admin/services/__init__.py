"""Use cases: one module each, and the only place that opens a transaction."""
