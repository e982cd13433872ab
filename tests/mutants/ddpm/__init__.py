"""Wrong answers to chapter 7's code exercises."""
