"""Wrong answers to chapter 9's code exercises on learning."""
