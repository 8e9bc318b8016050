"""The ledger's decisions: lots, entries, the chain, and what a balance is made of."""
