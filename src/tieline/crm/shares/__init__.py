"""Who else reaches a record: share rows, and the rules that share records of a kind."""
