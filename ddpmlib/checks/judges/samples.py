"""The labs' checks."""
CHECKS = []
