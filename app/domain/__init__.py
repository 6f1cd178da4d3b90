"""Pure deciders, one concern a module: what the law and the policy make of a command."""
