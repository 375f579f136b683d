"""Decisions and mathematics of the suite: plain Python and numpy, no ROS."""
