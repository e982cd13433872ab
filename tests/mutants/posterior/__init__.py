"""Wrong answers to chapter 5's code exercises."""
