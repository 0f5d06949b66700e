"""What is served over HTTP to people with browsers."""
