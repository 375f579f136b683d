"""The record of a session: written while it runs, verified, replayed and read afterwards."""
