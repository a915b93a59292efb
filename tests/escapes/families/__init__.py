"""The families of attacks: a module each, with a list `ATTACKS`."""
