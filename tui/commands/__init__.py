"""The subcommands of ``stepscope``, a module each where they have something to say."""
