"""The process that imports torch and measures one run."""
