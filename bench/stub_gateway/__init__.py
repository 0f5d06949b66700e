"""A gateway for blasts: ``python -m bench.stub_gateway --help``.

One program that speaks the documented APIs of Africa's Talking and Twilio, fast enough to be no brake (well over 100,000
recipients a second), logs every message that it took, delivers receipts late, twice and out of order, and misbehaves as
told while it runs. For single requests that go wrong in every way that HTTP allows there is ``tests/stub_gateways``.
"""
