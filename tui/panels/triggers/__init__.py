"""The panels of the trigger inspector: lists with a cursor, details, and the lines above them."""
