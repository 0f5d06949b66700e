"""The conversations: what is asked, in which order and in which words. One idea a file."""
