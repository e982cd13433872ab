"""Wrong answers to chapter 4's exercises on the two forms of the ELBO, by exercise."""
