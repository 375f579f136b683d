"""The record of a session: written as evidence, and read again."""
