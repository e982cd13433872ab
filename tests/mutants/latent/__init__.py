"""Wrong answers to chapter 12's code exercises."""
