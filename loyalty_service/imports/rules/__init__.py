"""What a file of history says: which lines count, what a return undoes, what became of it all."""
