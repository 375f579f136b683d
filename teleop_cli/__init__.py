"""The telesurgery command: demo, live status, summary, pictures."""
