"""Who gets which condition, provably: schemes with exact probabilities, the sealed ledger, and delivery."""
