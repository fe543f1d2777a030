"""Files that others use too: locked, replaced atomically, read only where they are plain."""
