"""The watchdog that permits motion."""
