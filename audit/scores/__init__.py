"""Training scores: the figures of merit of one surgeon over many sessions."""
