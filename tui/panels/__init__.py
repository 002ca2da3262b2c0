"""The parts of the screens that are made of lines of text: each paints only the cells that changed."""
