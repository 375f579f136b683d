"""Long proofs of the suite: fault campaigns, soaks, mutation tests, coverage. Not installed; run from the checkout."""
