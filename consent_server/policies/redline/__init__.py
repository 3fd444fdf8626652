"""What changed between two versions of a text, word by word, and what kind of change it seems to be."""
