"""The command line: one thin file for each group of commands; nothing heavy is imported before a command runs."""
