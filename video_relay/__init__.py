"""The endoscope: sources of stereo images and the node that relays them."""
