"""The database below the store: SQLite, SQLCipher or PostgreSQL, and its connections."""
