"""Stand-ins for the providers: real HTTP servers that speak their documented protocols and can misbehave as told."""
