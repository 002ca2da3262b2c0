"""What the Compare screen shows: marks, rows, details, charts and pictures, as frozen values."""
