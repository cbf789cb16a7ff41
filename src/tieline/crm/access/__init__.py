"""What a user may do with objects, fields and records: kept as rows, answered at every door."""
