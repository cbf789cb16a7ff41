"""The database: embedded server, engine and transactions, migrations."""
