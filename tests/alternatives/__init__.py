"""Correct answers that differ from the reference; each check must accept them."""
