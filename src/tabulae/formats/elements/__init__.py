"""One file per element family; each is found by being here."""
