"""The WSGI entry: ``app`` serves webhooks, health, metrics and, where switched on, the phone simulator."""

from bot.garbage import settle_down
from bot.lifeline import die_with_parent
from bot.web.app import create_app
from bot.web.spool_keeper import keep_spool

die_with_parent()
app = create_app()
settle_down()
keep_spool(app)
app.extensions["marks"].start()
