"""`python -m pipeline` and the command `coinflex-l2`."""

from pipeline.cli import main

if __name__ == "__main__":
    main()
