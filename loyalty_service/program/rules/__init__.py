"""The program document as facts: what a shop decided, checked and frozen."""
