"""Messages: the outbox and its dispatch, receipts, inbound SMS, opt-outs."""
