"""A CRTK conformance check of any arm on the network: it uses public topics and services only, as any client does."""
