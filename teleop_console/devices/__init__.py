"""Master input devices behind one small interface."""
