"""Wrong answers to chapter 6's exercises on the divergence and the losses, one module an exercise."""
