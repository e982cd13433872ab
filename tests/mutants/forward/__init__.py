"""Wrong answers to chapter 3's exercises on the forward process."""
