"""Tests of the terminal dashboard."""
