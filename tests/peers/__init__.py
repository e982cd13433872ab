"""Independent implementations by others, behind thin adapters: the checks must accept them."""
