"""`python -m tokred` is `tokred`."""

from tokred.cli import main

if __name__ == "__main__":
    main()
