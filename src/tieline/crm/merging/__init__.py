"""Records that are one: duplicates found, records merged, leads converted."""
