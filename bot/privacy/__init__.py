"""Personal data: how long it is kept, what is kept of one person, how that is handed out and erased."""
