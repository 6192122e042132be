"""What people ask for as a whole: open, build, load, check. Everything else is composed here."""
