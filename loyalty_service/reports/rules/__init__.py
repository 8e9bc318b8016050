"""What reports add up: entries by day, open points by when they begin and end, their worth."""
