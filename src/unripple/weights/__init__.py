"""Model files: where they are, what they must contain, how they are read and converted."""
