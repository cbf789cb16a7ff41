"""What happens to records on their way into the tables, and into the recycle bin."""
