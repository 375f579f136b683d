"""The report of a session: one HTML file that an auditor reads, with nothing outside of it."""
