"""Wrong answers to chapter 10's code exercises."""
