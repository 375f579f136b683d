"""The patient's site: kinematics, command gate, robot backends."""
