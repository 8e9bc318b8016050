"""Decisions of the nightly jobs: when each is due, what is told, how a run is counted."""
