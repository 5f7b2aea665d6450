"""`python -m examples.kvstore`."""

from examples.kvstore.app import main

if __name__ == "__main__":
    main()
