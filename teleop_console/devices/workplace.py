"""Where the hands of a device without a tracker rest, display frame, and how far their grippers open."""

from __future__ import annotations

import numpy as np

HANDS_AT_REST = np.array(((0.12, -0.05, 0.30), (-0.12, -0.05, 0.30)))
"""(2, 3) positions of the left and the right hand [m]: a forearm apart, a little below the eyes, as surgeons sit."""
HANDS_AT_REST.setflags(write=False)
GRIPPER_OPEN = 1.0
"""Gripper angle of an open hand [rad]; 0 is closed."""
