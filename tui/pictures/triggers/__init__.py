"""What the trigger inspector shows: lines, details, two sides and a waterfall, as frozen values."""
