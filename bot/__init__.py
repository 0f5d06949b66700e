"""Balas: registers health workers for vaccination by SMS and USSD."""
