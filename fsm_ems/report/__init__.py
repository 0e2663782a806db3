"""A run as one page to look at: text in, text out; the command line writes the file."""
