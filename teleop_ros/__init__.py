"""The shared code that speaks ROS: QoS, parameters, conversions, the base node."""
