"""The SQLite file: its schema, how it is opened, and who may write."""
