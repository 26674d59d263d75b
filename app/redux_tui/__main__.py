"""`python -m redux_tui` is the same as the command `redux-tui`."""

from redux_tui.cli import main

if __name__ == "__main__":
    main()
