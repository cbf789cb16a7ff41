"""What the console's record pages ask: a record with all that its page shows, saving, related lists, the bin."""
