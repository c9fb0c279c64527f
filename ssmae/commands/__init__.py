"""What `python -m ssmae` can do: one module a command, each with `add_to` for its options."""
