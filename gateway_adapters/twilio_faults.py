"""Twilio's error codes in plain words: for its answers (``code``) and for its status callbacks (``ErrorCode``)."""

from __future__ import annotations

from gateway_adapters.refusal import Refusal

#: The codes are those of https://www.twilio.com/docs/api/errors. What an operator can mend (the account, its
#: permissions, our address) is not permanent: the message may be sent once it is mended.
_FAULTS = {
    20003: Refusal("Twilio does not accept TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"),
    20429: Refusal("Twilio asks to send more slowly", throttled=True),
    21211: Refusal("Twilio says that the number is invalid", permanent=True, wrong_number=True),
    21212: Refusal("Twilio does not know the sender", permanent=True),
    21408: Refusal("the account may not send to this country"),
    21602: Refusal("the message has no text", permanent=True),
    21603: Refusal("the message has no sender", permanent=True),
    21606: Refusal("the sender cannot send SMS for this account", permanent=True),
    21608: Refusal("a trial account sends to verified numbers only"),
    21609: Refusal("Twilio cannot call our PUBLIC_URL for receipts"),
    21610: Refusal("the subscriber has opted out at Twilio", permanent=True, opted_out=True),
    21611: Refusal("the sender has too many messages waiting at Twilio", throttled=True),
    21612: Refusal("Twilio cannot send from this sender to this number", permanent=True),
    21614: Refusal("the number is not a mobile number", permanent=True, wrong_number=True),
    21617: Refusal("the text is longer than 1,600 characters", permanent=True),
    21659: Refusal("the sender does not belong to the account", permanent=True),
    30001: Refusal("too many messages are waiting at Twilio", throttled=True),
    30002: Refusal("the account is suspended"),
    30003: Refusal("the phone was switched off or out of reach"),
    30004: Refusal("the operator or the subscriber blocks the message", permanent=True),
    30005: Refusal("the number does not exist or is out of service", permanent=True, wrong_number=True),
    30006: Refusal("the number is a fixed line, or its operator cannot be reached", permanent=True, wrong_number=True),
    30007: Refusal("the operator filtered the message out", permanent=True),
    30008: Refusal("the operator gave no reason"),
}
OPTED_OUT = 21610


def fault(code: int) -> Refusal:
    """What a code means; of an unknown one, that the message was not taken and may be tried again."""
    return _FAULTS.get(code) or Refusal(f"Twilio's error {code}")
