"""Wrong answers of the kind that students write; each check must reject them and name what is wrong."""
