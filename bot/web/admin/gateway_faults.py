"""Why gateways and operators did not take or deliver a message: the sentences in which adapters say it.

A gateway's own name stands in the holes, as adapters alone name one. See ``faults``, which tells them.
"""

from __future__ import annotations

from typing import Final

from bot.web.admin.words import mark

_ = mark

_OF_THE_ACCOUNT: Final = (
    _("{who} does not accept {settings}"),
    _("{who} asks to send more slowly"),
    _("{who} does not know the sender"),
    _("{who} does not know the sender ID"),
    _("{who} cannot call our PUBLIC_URL for receipts"),
    _("{who} cannot send from this sender to this number"),
    _("the account may not send to this country"),
    _("the account is suspended"),
    _("the account's balance is too low"),
    _("a trial account sends to verified numbers only"),
    _("the sender cannot send SMS for this account"),
    _("the sender does not belong to the account"),
    _("the sender has too many messages waiting at {who}"),
    _("too many messages are waiting at {who}"),
    _("{settings} not set"),
)
_OF_THE_MESSAGE: Final = (
    _("the message has no text"),
    _("the message has no sender"),
    _("the text is longer than {n} characters"),
    _("the message could not be delivered"),
    _("the message that it answers was too long ago"),
)
_OF_THE_NUMBER: Final = (
    _("{who} says that the number is invalid"),
    _("{who} does not serve this kind of number"),
    _("{who} has no route to the number"),
    _("the number is no phone number"),
    _("the number is not a mobile number"),
    _("the number is inactive"),
    _("the number does not exist"),
    _("the number does not exist or is out of service"),
    _("the number is a fixed line, or its operator cannot be reached"),
    _("the number belongs to another operator"),
    _("the phone was switched off or out of reach"),
    _("the phone was out of reach for too long"),
    _("the subscriber has opted out at {who}"),
    _("the subscriber has too little credit"),
    _("the subscriber's account is suspended"),
    _("the subscriber has not subscribed to this service"),
    _("the operator or the subscriber blocks the message"),
    _("the operator filtered the message out"),
    _("the operator gave no reason"),
    _("the operator's do-not-disturb list forbids it"),
    _("the operator refused the message"),
    _("the operator's gateway refused the message"),
)
_OF_THE_ANSWER: Final = (
    _("the gateway"),
    _("there is no gateway {name} in this process"),
    _("{who}'s error {code}"),
    _("{who} had an internal error"),
    _("the operator's gateway had an error"),
    _("{fault} after it had taken the message"),
    _("{who} was not reached: {why}"),
    _("{who} did not answer: {why}"),
    _("{who} answered HTTP {status}"),
    _("{who} answered with a status we do not know: {code}"),
    _("{who} refused the request ({status})"),
    _("{who} holds the message back as a risk"),
    _("{who}'s answer cannot be read"),
    _("{who}'s answer does not mention the number"),
    _("{who}'s answer names no message"),
    _("the inboxes cannot be reached"),
    _("the inboxes did not answer"),
    _("no whole answer within {n} s"),
    _("no connection within {n} s"),
    _("no connection"),
    _("its name cannot be looked up"),
    _("the connection was refused"),
    _("no secure connection, or its certificate is not to be trusted"),
    _("the answer is too long"),
    _("the connection broke before the answer"),
)
#: All of them.
SENTENCES: Final = (*_OF_THE_ACCOUNT, *_OF_THE_MESSAGE, *_OF_THE_NUMBER, *_OF_THE_ANSWER)
