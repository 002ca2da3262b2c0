"""What stepscope promises, measured: ``make bench``, or ``python -m tests.bench --help``."""
