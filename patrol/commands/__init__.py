"""The subcommands of `patrol`, one file each: they read options, call one program, and print."""
