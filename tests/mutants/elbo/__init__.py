"""Wrong answers to chapter 1's code exercises."""
