"""Wrong answers to chapter 2's code exercises."""
