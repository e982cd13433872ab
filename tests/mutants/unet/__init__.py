"""Wrong answers to chapter 8's code exercises."""
