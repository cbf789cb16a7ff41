"""Bulk API 2.0: jobs that take records in from CSV, and jobs that put a query's records into CSV."""
