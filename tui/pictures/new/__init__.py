"""The form for a new session: its fields, what is typed into them, and what would come of it."""
