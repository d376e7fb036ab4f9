"""What the pipeline costs, in figures. `make bench` prints the table; see README.md beside this."""
