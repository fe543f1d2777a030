"""Git for the forge: wire protocol, refs, storage and children. Knows no rows and no HTTP."""
