"""An order's decisions: what its lines cost, what it opens, and what a return takes back."""
