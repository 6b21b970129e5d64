"""What changes weights while a network runs."""
