"""What the centre remembers: tables, transactions, what is written and what is asked. The only rooms with SQLAlchemy."""
