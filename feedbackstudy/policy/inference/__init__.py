"""Standard errors, degrees of freedom and permutations from cells: the numbers under every readout."""
