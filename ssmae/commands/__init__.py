"""What `python -m ssmae` can do: `arguments` has the options of all commands, a module each the work of one."""
