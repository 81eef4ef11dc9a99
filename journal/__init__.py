"""Transitions to and from SQLite, the chain that binds them, and the projection PROGRESS.yaml."""
