"""What varies, for whom, when, and what is claimed: the declarations a `Study` is made of."""
