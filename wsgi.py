"""The WSGI entry: ``app`` serves webhooks, health, metrics and, where switched on, the phone simulator."""

from bot.garbage import settle_down
from bot.lifeline import die_with_parent
from bot.web.app import create_app

die_with_parent()
app = create_app()
settle_down()
app.extensions["marks"].start()
