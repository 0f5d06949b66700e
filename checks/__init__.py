"""What the service is made of: packages with known vulnerabilities (``audit``). Run by hand and by whoever releases."""
