"""The CRTK face of an arm: what clients may ask, and what they are told."""
