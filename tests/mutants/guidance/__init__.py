"""Wrong answers to chapter 11's code exercises."""
