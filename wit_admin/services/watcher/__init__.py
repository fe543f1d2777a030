"""The watcher: notices what jj does in repositories, and has it read into the database."""
