"""Tables and documents made of the analysis' answers."""
