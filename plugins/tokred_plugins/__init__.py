"""tokred's own methods, one file each."""
