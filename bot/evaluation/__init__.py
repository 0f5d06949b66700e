"""What a campaign has come to, in figures: read only, over all that the other parts have written."""
