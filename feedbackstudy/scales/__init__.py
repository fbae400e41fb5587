"""What is measured: scales, and the measures that ask them."""
