"""What a release is made by: not part of the program, and in none of its packages. docs/releasing.md has the order."""
